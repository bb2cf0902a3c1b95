from .training import prepare

__all__ = ["prepare"]
