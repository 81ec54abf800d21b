"""One clear sentence for every failure and refusal: what was wrong, with which file, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Any

from hipcad_desktop.domain.diagnosis import Refusal, RefusalReason
from hipcad_desktop.domain.errors import ErrorCode, UserError

SENTENCES: Mapping[ErrorCode, str] = {
    ErrorCode.FILE_MISSING: "{path}: there is no such file or folder. Check the name, or whether the drive is connected.",
    ErrorCode.NOT_A_REGULAR_FILE: "{path}: this is not an ordinary file (a device, pipe or folder), so it was not opened.",
    ErrorCode.FILE_NOT_READABLE: "{path}: the file cannot be opened ({detail}). Ask for the right to read it, or check the drive.",
    ErrorCode.NOT_A_FILM: "{path}: neither DICOM nor a JPEG, PNG or TIFF picture. Export the film again in one of these formats.",
    ErrorCode.FILM_DAMAGED: "{path}: the file is damaged or incomplete ({detail}). Copy or export it again from its source.",
    ErrorCode.FILM_TOO_LARGE: "{path}: too large to open safely ({detail}). Export the film at its normal size.",
    ErrorCode.FILM_WITHOUT_PIXELS: "{path}: a DICOM file without an image ({kind}). Choose the film itself.",
    ErrorCode.FILM_UNSUPPORTED: "{path}: this kind of image cannot be read ({detail}). Export the film as plain DICOM or JPEG.",
    ErrorCode.FILM_CHANGED: "{path}: the file is not the one that was imported; its content changed. Import it again as a new film.",
    ErrorCode.NO_FILMS_FOUND: "{path}: no film in here. Choose a folder that holds DICOM, JPEG, PNG or TIFF files.",
    ErrorCode.FOLDER_NOT_WRITABLE: "{path}: nothing can be written here. Choose another folder, or ask for the right to write.",
    ErrorCode.DISK_FULL: "{path}: the disk is full (about {needed_mb} MB are needed). Free some space and start again.",
    ErrorCode.CANCELLED: "{what} was cancelled; nothing half-written was left behind.",
    ErrorCode.NOT_A_PROJECT: "{path}: not a HipCAD project. Choose a project's folder, or an empty one for a new project.",
    ErrorCode.PROJECT_NEWER: (
        "{path}: this project was made by a newer version of HipCAD (format {found}; this program knows up to {known}). "
        "Update HipCAD to open it."
    ),
    ErrorCode.PROJECT_DAMAGED: "{path}: the project's database is damaged ({detail}). Restore the folder from a backup.",
    ErrorCode.PROJECT_BUSY: "{path}: another program is writing to this project. Close it there and try again.",
    ErrorCode.READINGS_FILE_BAD: "{path}: no table of readings ({detail}). It needs the columns file,verdict,x,y,width,height,type.",
    ErrorCode.READINGS_ROW_BAD: "{path}, line {line}: {detail}. The rows of this film were left out.",
    ErrorCode.FINDING_OUTSIDE_FILM: "{file}: a rectangle lies outside the film ({width} x {height} pixels). Draw it on the film.",
    ErrorCode.SIGNED_NEEDS_REASON: "Film {film}: {reader} has signed this reading. Give a reason to change it.",
    ErrorCode.NOTHING_TO_SIGN: "Film {film}: {reader} has no answer on it that could be signed. Read it first.",
    ErrorCode.READER_NAME_RESERVED: "{name!r} is the name of the readings agreed together. Sign in with another name.",
    ErrorCode.STILL_BLINDED: "{path}: the readers are still blinded to each other. End the blinded phase first.",
    ErrorCode.ADJUDICATORS_MISSING: "An adjudication needs the names of those who agreed on it. Name at least one.",
    ErrorCode.READERS_TOO_FEW: "{path}: agreement needs two readers, and {found} have answered. Let a second one read.",
    ErrorCode.READER_UNKNOWN: "{path}: no reader of the name {reader} has answered here. Check the spelling.",
    ErrorCode.WASHOUT_NOT_OVER: "{reader} may not begin the second round before {until} (UTC): the wash-out time is not over.",
    ErrorCode.NOTHING_TO_READ_AGAIN: "{reader} has read no film yet, so there is none to read again. Read the films first.",
    ErrorCode.NOT_IN_SECOND_ROUND: "Film {film} is not in the second round of {reader}. Start the round, or choose a film of it.",
    ErrorCode.EXCHANGE_FILE_BAD: "{path}: not a whole file of readings ({detail}). Have it sent again.",
    ErrorCode.EXCHANGE_FILE_NEWER: (
        "{path}: these readings were sent by a newer version of HipCAD (format {found}; this program knows up to {known}). "
        "Update HipCAD to merge them."
    ),
    ErrorCode.AUDIT_BROKEN: "{path}: the audit trail was tampered with or is damaged ({detail}). Compare with a backup.",
    ErrorCode.ANNOTATIONS_BAD: "{path}: these rectangles cannot be read ({detail}). Check the format, or export them again.",
    ErrorCode.ANNOTATION_BAD: "{path}, {place}: {detail}. The rectangles of this film were left out.",
    ErrorCode.DICOMDIR_BAD: "{path}: this DICOMDIR cannot be used ({detail}). Choose the films or their folder instead.",
    ErrorCode.PATIENTS_FILE_BAD: "{path}: no table of patients ({detail}). It needs the columns file,patient.",
    ErrorCode.TARGET_NOT_EMPTY: "{path}: the folder is not empty, and nothing in it will be overwritten. Choose a new folder.",
    ErrorCode.NOTHING_TO_EXPORT: "{path}: no film has an answer that can be exported. Read some films first.",
    ErrorCode.SYNTHESIS_WITHOUT_FILMS: 'In {path} no film without a fracture can be broken for the {partition} partition: read more films as "no fracture" that show both hips and a hand\'s breadth of the thighs.',
    ErrorCode.NOT_A_DATASET: "{path}: not a dataset that HipCAD exported. Make one with Export, or `hipcad export`.",
    ErrorCode.DATASET_DAMAGED: "{path}: the dataset is damaged ({detail}). Export it again.",
    ErrorCode.DATASET_ONE_CLASS: (
        "{path}: the {partition} partition has only hips of one class ({present}). "
        "Training needs hips with and without fracture in each: read more films and export again."
    ),
    ErrorCode.DATASET_WITHOUT_HALVING: (
        "{path}: no image of this dataset is halved by “{halving}”. Export the dataset again, or choose another model or "
        "recipe."
    ),
    ErrorCode.PARTITION_EMPTY: "{path}: the {partition} partition is empty. Export again with more patients.",
    ErrorCode.PARTITION_IMPOSSIBLE: "The partitions cannot be made like this: {detail}. Choose others.",
    ErrorCode.TEST_SEAL_BROKEN: (
        "{path}: the record of how often the test partition was opened was tampered with or is damaged ({detail}). "
        "Restore the file from a backup; without it the test partition stays closed."
    ),
    ErrorCode.TEST_SEAL_NOT_WRITTEN: (
        "{path}: the opening of the test partition cannot be recorded ({detail}), so it stays closed. "
        "Ask for the right to write there, or copy the dataset to a place of your own."
    ),
    ErrorCode.NO_GPU: "No GPU can be used ({detail}). Choose the device `cpu` or `auto`, or install the GPU's driver.",
    ErrorCode.GPU_UNSUPPORTED: "The GPU {name} is not supported by this build of torch ({detail}). Choose the device `cpu`.",
    ErrorCode.TRAINING_NOT_INSTALLED: (
        "This installation reads, annotates and diagnoses, but cannot train: {module} is missing. "
        "Install the Workstation edition, or `pip install 'hipcad-desktop[train]'`."
    ),
    ErrorCode.WEIGHTS_UNREACHABLE: (
        "The ImageNet weights of {backbone} could not be fetched ({detail}). Without a network: download "
        "model.safetensors of timm/{backbone} from huggingface.co on another machine and pass it with `--weights FILE`, "
        "or start from random weights with `--weights none`."
    ),
    ErrorCode.WEIGHTS_UNFIT: "{path}: these weights do not fit {backbone} ({detail}). Choose weights made for this backbone.",
    ErrorCode.BACKBONE_UNKNOWN: "timm knows no backbone named {backbone}. Did you mean {nearest}?",
    ErrorCode.BACKBONE_UNFIT: "{backbone} cannot be used ({detail}). Choose a backbone with global average pooling, as EfficientNet.",
    ErrorCode.CONFIG_INVALID: "{field} cannot be {value!r}: it has to be {detail}.",
    ErrorCode.RUN_UNFINISHED: "{path}: an unfinished run is here. Go on with `--resume`, or delete the folder to start anew.",
    ErrorCode.RUN_OTHER: "{path}: this run cannot be resumed ({detail}). Start a new run under another name.",
    ErrorCode.RUN_BUSY: "{path}: another process ({pid}) is training this run. Wait for it, or cancel it there.",
    ErrorCode.NOT_A_RUN: "{path}: no training was run in here. Choose a folder that `hipcad train` made (.run).",
    ErrorCode.NOTHING_TO_RESUME: "{path}: there is no unfinished run to resume. Start it without `--resume`.",
    ErrorCode.LOSS_NOT_FINITE: (
        "The training diverged in epoch {epoch}, step {step}: the loss is no number. Start a new run with a lower learning rate."
    ),
    ErrorCode.OUT_OF_MEMORY: "Not enough memory ({detail}). Choose a smaller batch or a smaller backbone.",
    ErrorCode.GPU_LOST: (
        "The GPU stopped answering ({detail}), as happens after sleep. Restart HipCAD, or the computer, and resume the run: "
        "every finished epoch is kept."
    ),
    ErrorCode.WORKER_DIED: "The worker process ended unexpectedly ({detail}). The last finished epoch is kept: resume the run.",
    ErrorCode.WORKER_HUNG: "The worker process has not answered for {seconds} seconds and was ended. Resume the run.",
    ErrorCode.NO_MODEL_IN_THE_BOX: "This installation has no model in it. Name one with --model.",
    ErrorCode.NOT_A_MODEL_PACKAGE: "{path}: not a HipCAD model package. Choose a file that HipCAD's training wrote (.hipcad).",
    ErrorCode.MODEL_PACKAGE_DAMAGED: "{path}: the model package is damaged ({detail}), so it is not used. Copy it again from its source.",
    ErrorCode.MODEL_PACKAGE_NEWER: (
        "{path}: this model package was made by a newer version of HipCAD (format {found}; this program knows up to "
        "{known}). Update HipCAD to use it."
    ),
    ErrorCode.NOT_A_DIAGNOSIS: "{path}: not an answer of HipCAD. Choose a .json file that `hipcad diagnose` wrote.",
    ErrorCode.NOT_A_BATCH: "{path}: no batch that can go on lies here ({detail}). Choose a new, empty folder.",
    ErrorCode.BATCH_OTHER_MODEL: (
        "{path}: this batch was begun with the model {begun}, not with {asked}. Go on with that model, or choose a new folder."
    ),
    ErrorCode.FILM_BROKE: "{path}: HipCAD failed on this film ({detail}). This is a bug; the other films are not touched by it.",
    ErrorCode.NOT_A_FOLDER: "{path}: not a folder that can be watched. Choose one that exists.",
    ErrorCode.SECOND_OPINION_NOT_INSTALLED: (
        "Second opinions need {module}, which this installation does not have. Install the Workstation edition, or "
        "`pip install 'hipcad-desktop[train]'`."
    ),
    ErrorCode.SECOND_OPINION_REFUSED: "{path}: the {side} hip has no answer that could be explained ({detail}).",
    ErrorCode.JOURNAL_BROKEN: "{path}: these records were changed or are damaged ({detail}). Restore the file from a backup, or move it away to begin a new one.",
    ErrorCode.JOURNAL_BUSY: "{path}: another program is writing there. Close it there, or try again.",
    ErrorCode.READ_BEFORE: "Film {film}: {reader} cannot take this step ({detail}). What is recorded stays as it is.",
    ErrorCode.REFERENCE_BAD: "{path}: no reference table ({detail}). It needs the columns file (or film), side, reference.",
    ErrorCode.DISPUTED_FILM_MISSING: "Film {film} is not in the project {path}, and its file is not known here. Import the film first.",
    ErrorCode.NOT_A_REPORT: "{path} is not the folder of a HipCAD report, or its report.json is damaged.",
    ErrorCode.REPORT_OLDER: "{path}: an earlier HipCAD wrote this report, with fewer figures. Its report.html still opens; evaluate again to see it here.",
    ErrorCode.REPORT_NEWER: "{path}: a newer HipCAD wrote this report. Update HipCAD to open it.",
    ErrorCode.REPORTS_OF_OTHER_HIPS: (
        "The two reports are not of the same hips ({detail}) and cannot be compared. Evaluate both models on the same "
        "partition of the same dataset."
    ),
    ErrorCode.HEATMAPS_MISSING: "{path}: this report has no heat maps to judge. There are some where the model found a fracture.",
    ErrorCode.JUDGEMENTS_BAD: "{path}: {detail}.",
    ErrorCode.HALF_CHANGES_ANSWERS: (
        "{path}: not made smaller. With weights in half precision a probability would change by {change}, more than {limit}."
    ),
    ErrorCode.TARGET_EXISTS: "{path}: this file exists and is not overwritten. Choose another name, or move it away.",
    ErrorCode.NOT_HALVED_RECTANGLE_TOO_WIDE: (
        "The film cannot be halved: the rectangle does not fit into a window as wide as the other hip's."
    ),
    ErrorCode.NOT_HALVED_WINDOW_TOO_NARROW: (
        "The film cannot be halved: the line beside the rectangle leaves less than a quarter of the film for the other hip."
    ),
    ErrorCode.NOT_HALVED_MIDLINE_AT_EDGE: (
        "The film cannot be halved: its midline lies too near the film's edge, as where it lies on its side or shows one hip."
    ),
    ErrorCode.NOT_HALVED_NO_GAP: "The film cannot be halved: the rectangles of the two hips leave no gap between them.",
    ErrorCode.NOT_HALVED_NO_MIDLINE: "The film cannot be halved: {detail}.",
    ErrorCode.NOT_HALVED_HIP_CUT_OFF: "The hip on the picture's {half} is cut off by the film's edge.",
    ErrorCode.NOT_HALVED_NO_HIPS: "The two femoral heads were not found where those of one pelvis can lie.",
    ErrorCode.NOT_HALVED_OUTSIDE_SQUARE: "The rectangle on the picture's {half} reaches out of the square about that hip.",
    ErrorCode.NOT_HALVED_SIDE_UNCLEAR: (
        "The film cannot be halved: a rectangle lies between the film's middle and the midline of the pelvis, so its side is not clear."
    ),
    ErrorCode.NOT_EXPORTED_UNREAD: "Nobody has read this film yet.",
    ErrorCode.NOT_EXPORTED_DISAGREE: "The readers of this film disagree. Let them read it again together.",
    ErrorCode.NOT_EXPORTED_UNSURE: "The reader is unsure about this film.",
    ErrorCode.NOT_EXPORTED_EXCLUDED: "A reader excluded this film: {reason}.",
}

REFUSALS: Mapping[RefusalReason, str] = {
    RefusalReason.HEADER_OTHER_BODY_PART: "No answer: the file says that this film shows {found}, not the pelvis.",
    RefusalReason.HEADER_OTHER_VIEW: "No answer: the file says that this is a {found} view, not a frontal one.",
    RefusalReason.HEADER_OTHER_MODALITY: "No answer: the file is a {found} image, not an X-ray film.",
    RefusalReason.SEVERAL_FRAMES: "No answer: the file holds {frames} frames, not one film.",
    RefusalReason.COLOUR_PICTURE: "No answer: this is a colour picture, not an X-ray film.",
    RefusalReason.TOO_SMALL: "No answer: the film has only {width} x {height} pixels.",
    RefusalReason.BLANK: "No answer: the film is blank.",
    RefusalReason.NO_MIDLINE: "No answer: the two sides of the film do not mirror each other, so it is no frontal pelvis with both hips.",
    RefusalReason.NOT_FRONTAL_PELVIS: "No answer: this does not look like a frontal pelvis with both hips ({detail}).",
    RefusalReason.ONE_HIP_ONLY: "No answer: the film seems to show one hip only.",
    RefusalReason.ON_ITS_SIDE: "No answer: the film seems to lie on its side. Turn it and open it again.",
    RefusalReason.UPSIDE_DOWN: "No answer: the film seems to be upside down. Turn it and open it again.",
    RefusalReason.INVERTED: "No answer: the film seems to be inverted (bone is dark). Invert it and open it again.",
    RefusalReason.HIP_CUT_OFF: "No answer: the patient's {side} hip is cut off by the film's edge.",
    RefusalReason.METAL_ON_HIP: (
        "No answer for the patient's {side} hip: there seems to be metal on it (prosthesis, nail, plate or screws), and "
        "the model has learnt hips without."
    ),
    RefusalReason.METAL_ON_BOTH_HIPS: (
        "No answer: there seems to be metal on both hips (prosthesis, nail, plate or screws), and the model has learnt "
        "hips without."
    ),
}


def sentence(error: UserError) -> str:
    """The sentence of an error, with its facts."""
    return _filled(SENTENCES[error.code], error.facts)


def refusal_sentence(refusal: Refusal) -> str:
    """The sentence of a refusal, with its facts."""
    return _filled(REFUSALS[refusal.reason], refusal.facts)


class _Lenient(Formatter):
    """A missing fact must never hide the sentence itself."""

    def get_value(self, key: int | str, args: Any, kwargs: Any) -> Any:
        return kwargs.get(key, "?") if isinstance(key, str) else super().get_value(key, args, kwargs)


def _filled(template: str, facts: Mapping[str, Any]) -> str:
    return _Lenient().vformat(template, (), facts)
