"""All objects of one save, as files: the one door to what needs highdicom."""

from imaging.dicom.marks.document import Saving, to_file
from imaging.dicom.marks.identity import Identity
from imaging.dicom.marks.key_objects import write_key_objects
from imaging.dicom.marks.model import Author, Markings, Moment
from imaging.dicom.marks.report import write_report
from imaging.dicom.marks.states import Geometries, Pictures, write_states


def write_files(
    header: bytes,
    transfer_syntax_uid: str,
    study_instance_uid: str,
    author: Author,
    moment: Moment,
    markings: Markings,
    pictures: Pictures,
    geometries: Geometries,
) -> list[bytes]:
    """Part 10 files: the report, the key images, the states; each only where there is something to say.

    `header` is that of an image of the study, whose patient and study the objects repeat.
    """
    saving = Saving(Identity(header, transfer_syntax_uid), study_instance_uid, author, moment)
    made = []
    if markings.marks or markings.replaces:
        made.append(write_report(saving, markings))
    if markings.key_images:
        made.append(write_key_objects(saving, markings.key_images))
    made += write_states(saving, markings, pictures, geometries)
    return [to_file(each) for each in made]
