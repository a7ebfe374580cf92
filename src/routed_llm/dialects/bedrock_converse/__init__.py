"""Amazon Bedrock's Converse API: one form for the models of many makers."""
