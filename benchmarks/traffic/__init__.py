"""Made-up gateway traffic: the same seed gives the same bytes on every machine and Python version.

`population` knows who asks for what, `everyday` lets them ask, `combined`, `kong` and `nginx_json` write the line a
gateway would, `truth` counts what was written without any of log-sentinel's code, so that its answers can be checked.
"""
