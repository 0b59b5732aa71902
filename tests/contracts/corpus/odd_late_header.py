

# Some words { not a header }
#

# { "Depends": "py-genlayer:jb45ae8ynh2a9c9xnb7qqh8m5q3hfw7jqmwsfhh8jpz09h6" }

from genlayer import *

class Late(gl.Contract):
    def __init__(self):
        pass

    @gl.public.view
    def get(self) -> int:
        return 1

#> deploy []
#> call get [] => 1
