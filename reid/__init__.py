"""RGA-ResNet50 and the embedders that turn person crops into unit feature vectors."""
