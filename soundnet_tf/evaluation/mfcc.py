"""The floor beside every figure: a clip's MFCCs, the features of the time before networks.

Settings are those of the published code of the ESC baselines (K. J. Piczak, "ESC: Dataset for
Environmental Sound Classification", 2015), at half its sample rate: windows of 46 ms every 11.6 ms,
128 mel bands, 13 coefficients. That code describes a clip by mean and standard deviation of its
coefficients too, without the 0th, the loudness, but with the rate of zero crossings. Its mel scale
is librosa's and its logarithm is in decibels; here they are those of TensorFlow: HTK's and natural.
"""

import tensorflow as tf

from soundnet_tf import constants

WINDOW_SAMPLES = 1024  # 46 ms
HOP_SAMPLES = 256  # 11.6 ms
MEL_BANDS = 128  # from 0 Hz to half the sample rate
COEFFICIENTS = 13

_LEAST_POWER = 1e-10  # of a mel band; silence has a logarithm too


def mfcc(waveform: tf.Tensor) -> tf.Tensor:
    """Mel-frequency cepstral coefficients: the orthonormal DCT-II of the logarithms of a mel
    spectrogram's powers. Works eagerly and in graphs.

    Args:
        waveform: float32 [samples] or [batch, samples], mono, 22 050 Hz, in [-1, 1]. Sound of less
            than a window is padded with silence.

    Returns:
        float32 [steps, 13] or [batch, steps, 13]; step i hears the window at sample 256 i, there
        are floor((samples - 1024) / 256) + 1 of them.
    """
    waveform = tf.convert_to_tensor(waveform, tf.float32)
    missing = tf.maximum(WINDOW_SAMPLES - tf.shape(waveform)[-1], 0)
    waveform = tf.pad(waveform, [[0, 0]] * (waveform.shape.rank - 1) + [[0, missing]])
    spectrum = tf.signal.stft(waveform, WINDOW_SAMPLES, HOP_SAMPLES)  # Hann windows
    filters = tf.signal.linear_to_mel_weight_matrix(
        MEL_BANDS,
        WINDOW_SAMPLES // 2 + 1,
        constants.SAMPLE_RATE,
        lower_edge_hertz=0.0,
        upper_edge_hertz=constants.SAMPLE_RATE / 2,
    )
    powers = tf.matmul(tf.square(tf.abs(spectrum)), filters)
    logarithms = tf.math.log(tf.maximum(powers, _LEAST_POWER))
    return tf.signal.dct(logarithms, norm="ortho")[..., :COEFFICIENTS]


def mfcc_features(waveform: tf.Tensor) -> tf.Tensor:
    """Mean and standard deviation over time of a clip's coefficients.

    Args:
        waveform: as for `mfcc`.

    Returns:
        float32 [26] or [batch, 26]: 13 means, then 13 standard deviations (0 for one step).
    """
    coefficients = mfcc(waveform)
    mean = tf.reduce_mean(coefficients, axis=-2)
    return tf.concat([mean, tf.math.reduce_std(coefficients, axis=-2)], axis=-1)
