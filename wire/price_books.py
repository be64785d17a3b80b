"""Price books and contracts: the tree that was read <-> messages on pricing.books and pricing.contracts."""

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import DecodeError, Message

from billing.price_books.document import BookError, Node, document_from_plain, plain_from_document
from billing.price_books.model import Contract, PriceBook
from billing.price_books.parse import parse_price_book
from billing.price_books.parse_contracts import parse_contract
from wire.v1 import pricing_pb2


def to_message(node: Node) -> pricing_pb2.PriceBook:
    """Return the message of a book's tree, which `parse_price_book` must have accepted."""
    return ParseDict(plain_from_document(node), pricing_pb2.PriceBook())


def from_message(value: bytes) -> PriceBook | list[BookError]:
    """Read a message's bytes; anything wrong with it is an error without a line."""
    node = _tree(value, pricing_pb2.PriceBook())
    return parse_price_book(node) if isinstance(node, Node) else node


def to_contract_message(node: Node) -> pricing_pb2.Contract:
    """Return the message of a contract's tree, which `parse_contract` must have accepted."""
    return ParseDict(plain_from_document(node), pricing_pb2.Contract())


def from_contract_message(value: bytes) -> Contract | list[BookError]:
    """Read a message's bytes; anything wrong with it is an error without a line."""
    node = _tree(value, pricing_pb2.Contract())
    return parse_contract(node) if isinstance(node, Node) else node


def _tree(value: bytes, message: Message) -> Node | list[BookError]:
    try:
        message.ParseFromString(value)
    except DecodeError as error:
        return [BookError(0, "", f"the bytes are no {message.DESCRIPTOR.full_name}: {error}", "publish it again")]
    return document_from_plain(MessageToDict(message, preserving_proto_field_name=True))
