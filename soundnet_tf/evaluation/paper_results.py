"""Accuracies in percent that the paper reports, to stand beside ours. Tables 2 to 7, VGG teachers
as in the released code unless said otherwise."""

LAYERS = {
    "esc50": {
        "conv4": 66.0, "conv5": 69.3, "pool5": 72.9, "conv6": 73.3, "conv7": 59.8, "conv8": 43.7,
    },
    "dcase": {
        "conv4": 77.0, "conv5": 88.0, "pool5": 88.0, "conv6": 87.0, "conv7": 84.0, "conv8": 74.0,
    },
    "esc10": {"pool5": 92.2},
}  # fmt: skip

LOSSES = {
    "esc50": {"l2": 47.8, "kl": 72.9},
    "esc10": {"l2": 81.5, "kl": 92.2},
}
TEACHERS = {
    "esc50": {"imagenet": 69.5, "places": 71.1, "both": 72.9},
    "esc10": {"imagenet": 89.8, "places": 89.5, "both": 92.2},
}
DEPTHS = {
    "esc50": {
        "soundnet5_labels": 65.0, "soundnet8_labels": 51.1,
        "soundnet5_video": 66.1, "soundnet8_video": 72.9,
    },
    "esc10": {
        "soundnet5_labels": 82.3, "soundnet8_labels": 75.5,
        "soundnet5_video": 86.8, "soundnet8_video": 92.2,
    },
}  # fmt: skip
MODALITIES = {"sound": 32.4, "vision": 49.4, "both": 51.4}  # conv7, some 4000 videos of their own

OTHERS = {
    "esc50": {
        "SVM on MFCC": 39.6, "convolutional autoencoder": 39.9, "random forest": 44.3,
        "Piczak's ConvNet": 64.5, "humans": 81.3,
    },
    "esc10": {
        "SVM on MFCC": 67.5, "convolutional autoencoder": 74.3, "random forest": 72.7,
        "Piczak's ConvNet": 81.0, "humans": 95.7,
    },
    "dcase": {"RG": 69.0, "LTT": 72.0, "RNH": 77.0, "ensemble": 78.0},
}  # fmt: skip
