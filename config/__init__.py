"""Settings of a site: the schema, how a YAML file is loaded, and what is said when it is wrong."""
