"""Shapes of JSON objects, one module a producer, in its constant `SHAPES` (`collectors.parse.shape`); the registry finds them."""
