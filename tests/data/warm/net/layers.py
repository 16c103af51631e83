from . import sizes


def width():
    return sizes.WIDTH
