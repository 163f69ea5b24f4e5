"""placeholder"""
def add_study(commands, console): pass
