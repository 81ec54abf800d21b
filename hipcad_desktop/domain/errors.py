"""What can go wrong in a way a person can mend: a code and facts; the sentence is made in domain.messages."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class ErrorCode(StrEnum):
    """Every failure that is told to a person. Each has one sentence in domain.messages (a test holds that)."""

    # files and films
    FILE_MISSING = "file_missing"  # path
    NOT_A_REGULAR_FILE = "not_a_regular_file"  # path
    FILE_NOT_READABLE = "file_not_readable"  # path, detail
    NOT_A_FILM = "not_a_film"  # path: neither DICOM nor JPEG, PNG, TIFF
    FILM_DAMAGED = "film_damaged"  # path, detail
    FILM_TOO_LARGE = "film_too_large"  # path, detail
    FILM_WITHOUT_PIXELS = "film_without_pixels"  # path, kind
    FILM_UNSUPPORTED = "film_unsupported"  # path, detail
    FILM_CHANGED = "film_changed"  # path: not the bytes that were imported
    NO_FILMS_FOUND = "no_films_found"  # path
    FOLDER_NOT_WRITABLE = "folder_not_writable"  # path
    DISK_FULL = "disk_full"  # path, needed_mb
    CANCELLED = "cancelled"  # what

    # projects
    NOT_A_PROJECT = "not_a_project"  # path
    PROJECT_NEWER = "project_newer"  # path, found, known
    PROJECT_DAMAGED = "project_damaged"  # path, detail
    PROJECT_BUSY = "project_busy"  # path

    # readings
    READINGS_FILE_BAD = "readings_file_bad"  # path, detail
    READINGS_ROW_BAD = "readings_row_bad"  # path, line, detail
    FINDING_OUTSIDE_FILM = "finding_outside_film"  # file, width, height
    SIGNED_NEEDS_REASON = "signed_needs_reason"  # film, reader
    NOTHING_TO_SIGN = "nothing_to_sign"  # film, reader
    READER_NAME_RESERVED = "reader_name_reserved"  # name
    STILL_BLINDED = "still_blinded"  # path
    ADJUDICATORS_MISSING = "adjudicators_missing"
    READERS_TOO_FEW = "readers_too_few"  # path, found
    READER_UNKNOWN = "reader_unknown"  # path, reader
    WASHOUT_NOT_OVER = "washout_not_over"  # reader, until
    NOTHING_TO_READ_AGAIN = "nothing_to_read_again"  # reader
    NOT_IN_SECOND_ROUND = "not_in_second_round"  # film, reader
    EXCHANGE_FILE_BAD = "exchange_file_bad"  # path, detail
    EXCHANGE_FILE_NEWER = "exchange_file_newer"  # path, found, known
    AUDIT_BROKEN = "audit_broken"  # path, detail
    ANNOTATIONS_BAD = "annotations_bad"  # path, detail: the whole file or folder
    ANNOTATION_BAD = "annotation_bad"  # path, place, detail: one film of it
    DICOMDIR_BAD = "dicomdir_bad"  # path, detail
    PATIENTS_FILE_BAD = "patients_file_bad"  # path, detail

    # datasets
    TARGET_NOT_EMPTY = "target_not_empty"  # path
    NOTHING_TO_EXPORT = "nothing_to_export"  # path
    SYNTHESIS_WITHOUT_FILMS = "synthesis_without_films"  # path, partition
    NOT_A_DATASET = "not_a_dataset"  # path
    DATASET_DAMAGED = "dataset_damaged"  # path, detail
    DATASET_ONE_CLASS = "dataset_one_class"  # path, partition, present
    DATASET_WITHOUT_HALVING = "dataset_without_halving"  # path, halving
    PARTITION_EMPTY = "partition_empty"  # path, partition
    PARTITION_IMPOSSIBLE = "partition_impossible"  # detail
    TEST_SEAL_BROKEN = "test_seal_broken"  # path, detail
    TEST_SEAL_NOT_WRITTEN = "test_seal_not_written"  # path, detail

    # training
    NO_GPU = "no_gpu"  # detail
    GPU_UNSUPPORTED = "gpu_unsupported"  # name, detail
    TRAINING_NOT_INSTALLED = "training_not_installed"  # module
    WEIGHTS_UNREACHABLE = "weights_unreachable"  # backbone, detail
    WEIGHTS_UNFIT = "weights_unfit"  # path, backbone, detail
    BACKBONE_UNKNOWN = "backbone_unknown"  # backbone, nearest
    BACKBONE_UNFIT = "backbone_unfit"  # backbone, detail
    CONFIG_INVALID = "config_invalid"  # field, value, detail
    RUN_UNFINISHED = "run_unfinished"  # path
    RUN_OTHER = "run_other"  # path, detail: resume asked, config or data differ
    RUN_BUSY = "run_busy"  # path, pid: another process trains it
    NOT_A_RUN = "not_a_run"  # path
    NOTHING_TO_RESUME = "nothing_to_resume"  # path
    LOSS_NOT_FINITE = "loss_not_finite"  # epoch, step
    OUT_OF_MEMORY = "out_of_memory"  # detail
    GPU_LOST = "gpu_lost"  # detail
    WORKER_DIED = "worker_died"  # detail
    WORKER_HUNG = "worker_hung"  # seconds

    # model packages
    NO_MODEL_IN_THE_BOX = "no_model_in_the_box"
    NOT_A_MODEL_PACKAGE = "not_a_model_package"  # path
    MODEL_PACKAGE_DAMAGED = "model_package_damaged"  # path, detail
    MODEL_PACKAGE_NEWER = "model_package_newer"  # path, found, known
    TARGET_EXISTS = "target_exists"  # path
    HALF_CHANGES_ANSWERS = "half_changes_answers"  # path, change, limit: what float16 weights would do

    # diagnoses
    NOT_A_DIAGNOSIS = "not_a_diagnosis"  # path
    NOT_A_BATCH = "not_a_batch"  # path, detail
    BATCH_OTHER_MODEL = "batch_other_model"  # path, begun, asked
    FILM_BROKE = "film_broke"  # path, detail: a bug met on one film of a batch
    NOT_A_FOLDER = "not_a_folder"  # path
    SECOND_OPINION_NOT_INSTALLED = "second_opinion_not_installed"  # module
    SECOND_OPINION_REFUSED = "second_opinion_refused"  # path, side, detail
    JOURNAL_BROKEN = "journal_broken"  # path, detail: a file of records that is only ever added to
    JOURNAL_BUSY = "journal_busy"  # path
    READ_BEFORE = "read_before"  # film, reader, detail: a step of reading first that cannot follow
    REFERENCE_BAD = "reference_bad"  # path, detail: a table of what each hip truly has
    DISPUTED_FILM_MISSING = "disputed_film_missing"  # film, path

    # reports
    NOT_A_REPORT = "not_a_report"  # path
    REPORT_OLDER = "report_older"  # path
    REPORT_NEWER = "report_newer"  # path
    REPORTS_OF_OTHER_HIPS = "reports_of_other_hips"  # detail
    HEATMAPS_MISSING = "heatmaps_missing"  # path
    JUDGEMENTS_BAD = "judgements_bad"  # path, detail

    # halving, a film's reasons not to be exported
    NOT_HALVED_RECTANGLE_TOO_WIDE = "not_halved_rectangle_too_wide"
    NOT_HALVED_WINDOW_TOO_NARROW = "not_halved_window_too_narrow"  # width_share
    NOT_HALVED_MIDLINE_AT_EDGE = "not_halved_midline_at_edge"
    NOT_HALVED_NO_GAP = "not_halved_no_gap"
    NOT_HALVED_NO_MIDLINE = "not_halved_no_midline"  # detail
    NOT_HALVED_HIP_CUT_OFF = "not_halved_hip_cut_off"  # half
    NOT_HALVED_NO_HIPS = "not_halved_no_hips"
    NOT_HALVED_OUTSIDE_SQUARE = "not_halved_outside_square"  # half, inside_share
    NOT_HALVED_SIDE_UNCLEAR = "not_halved_side_unclear"

    # a film's other reasons not to be exported
    NOT_EXPORTED_UNREAD = "not_exported_unread"
    NOT_EXPORTED_DISAGREE = "not_exported_disagree"
    NOT_EXPORTED_UNSURE = "not_exported_unsure"
    NOT_EXPORTED_EXCLUDED = "not_exported_excluded"  # reason


class UserError(Exception):
    """A failure with a code and the facts a sentence needs. Facts are JSON values; never a patient's name or id."""

    def __init__(self, code: ErrorCode, **facts: Any) -> None:
        super().__init__(code.value, facts)
        self.code = code
        self.facts = facts

    def __str__(self) -> str:
        return f"{self.code.value}: {self.facts}"
