"""What TensorBoard shows of a run beside the curves: what it hears, says and is made of."""
