"""Why a request was denied, by whom, how sure. In: parsed denials. Out: a `Finding` each, with its evidence. Pure."""
