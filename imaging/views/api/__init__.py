"""REST API, version 1: a bearer token names the practice and acts for its member."""
