"""Tools of this package; a module has those of one provider, in `TOOLS`, under Dify's names where Dify has them too."""
