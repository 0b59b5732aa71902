# { "Depends": "py-genlayer:test" }
from genlayer import *

class Odd(gl.Contract):
	n: u8

	def __init__(self):
		self.n = 1

	@gl.public.view
	def get(self) -> str:
		return "tab	and é" + str(self.n)

#> deploy []
#> call get [] => "tab\tand é1"
