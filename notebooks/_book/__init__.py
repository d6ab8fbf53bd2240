"""What the book writes about the library by reading it: reference, command line, equation map, inventories."""
