"""The commands, one a stage; installed as soundnet_tf.bin."""
