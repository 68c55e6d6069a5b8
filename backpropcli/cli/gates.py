HELP="x"
def command() -> int: return 0
