"""Faults that tests must notice: small, plausible, and of those that leave everything running.

`run.py` puts each into a copy of the checkout. Nothing here is imported by the package.
"""

from mutations import (
    of_data,
    of_evaluation,
    of_files,
    of_media,
    of_models,
    of_pages,
    of_pictures,
    of_runs,
    of_shown,
    of_training,
    of_workers,
)

FAULTS = (
    *of_media.MEDIA,
    *of_media.ARRAYS,
    *of_training.TRAINING,
    *of_runs.FEW_CLIPS,
    *of_runs.BOARD,
    *of_data.DATA,
    *of_data.FORMATS,
    *of_workers.MANY_WORKERS,
    *of_models.MODELS,
    *of_models.FINETUNING,
    *of_models.SERVING,
    *of_evaluation.EVALUATION,
    *of_files.COMMANDS,
    *of_files.FILES,
    *of_pictures.INSPECTION,
    *of_pictures.VISUALIZATION,
    *of_pictures.MAPS,
    *of_pages.REPORTING,
    *of_pages.PAGE,
    *of_pages.RECOGNIZE,
    *of_shown.SHOWN,
)
