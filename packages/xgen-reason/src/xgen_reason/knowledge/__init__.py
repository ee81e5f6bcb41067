"""Knowledge sources: text, graphs and tables behind one protocol, and what keeps them at bay."""
