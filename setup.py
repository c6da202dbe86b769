import runpy
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent

# From the oldest to the newest versions that the tests were run with, by both lock files. Nobody
# has tried others; tests/test_requirements.py keeps it so.
REQUIREMENTS = [
    "tensorflow>=2.16,<2.22",
    "keras>=3.15,<3.16",
    "tensorflow-hub>=0.16,<0.17",
    "tensorboard>=2.16,<2.22",
    "setuptools<82",  # the last with pkg_resources, which tensorflow_hub and tensorboard import
    "numpy>=1.26,<2.5",
    "h5py>=3.14,<3.17",
    "av>=18.1,<18.2",
    "soxr>=1.1,<1.2",
    "pillow>=12.3,<12.4",
    "scikit-learn>=1.9,<1.10",
    "matplotlib>=3.11,<3.12",
    "jinja2>=3.1,<3.2",
    "google-crc32c>=1.9,<1.10",
    "absl-py>=2.5,<2.6",
    "tqdm>=4.70,<4.71",
]

setup(
    name="soundnet-tf",
    version=runpy.run_path(str(ROOT / "soundnet_tf" / "version.py"))["__version__"],
    description="SoundNet in Keras: sound representations learned from unlabelled video",
    long_description=(ROOT / "README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    author="The soundnet_tf authors",
    license="MIT",
    license_files=["LICENSE"],
    python_requires=">=3.11,<3.14",
    install_requires=REQUIREMENTS,
    extras_require={
        "gpu": ["tensorflow[and-cuda]"],
        # Shards of flac or vorbis. Its native ops know no newer TensorFlow.
        "io": ["tensorflow-io>=0.37.1,<0.38", "tensorflow<2.18", "soundfile"],
        "s3": ["obstore>=0.12,<0.13", "boto3>=1.44,<1.45"],
        "gs": ["obstore>=0.12,<0.13"],
        "parquet": ["pyarrow>=25.0,<25.1"],  # 26 wants NumPy 2, which TensorFlow 2.16 does not take
        "report": ["vl-convert-python>=1.9,<1.10"],  # carries Vega-Lite, for charts without network
        "beam": ["apache-beam>=2.77,<2.78"],  # prepare and label with --runner
        "test": [
            *("hypothesis", "pytest", "pytest-xdist", "scipy", "soundfile"),
            *("obstore", "boto3", "moto[s3]", "flask", "flask-cors", "playwright"),
        ],
    },
    packages=[*find_packages(include=["soundnet_tf*"]), "soundnet_tf.bin", "soundnet_tf.flags"],
    package_dir={"soundnet_tf.bin": "bin", "soundnet_tf.flags": "flags"},
    package_data={"soundnet_tf": ["assets/**/*"], "soundnet_tf.flags": ["**/*.flags"]},
    entry_points={
        "console_scripts": [
            f"soundnet-{stage} = soundnet_tf.bin:run"
            for stage in (
                "inspect",
                "prepare",
                "label",
                "train",
                "export",
                "finetune",
                "extract",
                "recognize",
                "evaluate",
                "reproduce",
                "visualize",
                "report",
            )
        ]
    },
)
