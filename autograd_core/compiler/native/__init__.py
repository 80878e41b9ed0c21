"""Native code: from scheduled programs to machine code through LLVM."""
