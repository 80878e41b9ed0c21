"""Python's own containers: nested arguments need no wrapping here."""

import builtins

dict, isinstance, list, tuple = builtins.dict, builtins.isinstance, builtins.list, builtins.tuple
