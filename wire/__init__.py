"""The wire codec: protobuf messages, frames and YAML <-> the core's plain values."""
