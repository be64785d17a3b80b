"""Every decoder against bytes and texts that nobody wrote: `make fuzz N=1000000`."""
