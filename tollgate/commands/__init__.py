"""One module per command of the contract, section 9; `tollgate.cli` lists them, and imports the one that is called."""
