"""Tables of papers, and ablations, each reproduced by one command on the caches at hand."""
