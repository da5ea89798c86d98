"""For teachers: nbgrader reads the labs from solutions/ and makes those of exercises/ from them.

Run `nbgrader generate_assignment lab02`, `nbgrader autograde lab02` in this folder. Its folders submitted/, autograded/
and feedback/, and its database gradebook.db, are not part of the course. Before autograding, read the submissions for
cells that overwrite `check`: a locked cell is restored, but code that a student adds runs in the same process.
"""

from aecourse.authoring.source import STUB

c = get_config()  # noqa: F821 (nbgrader puts it there)

c.CourseDirectory.course_id = "aecourse"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"

# An untouched question has this stub and is graded 0 by its check; no other text may stand in its place.
c.ClearSolutions.code_stub = {"python": STUB}

# A lab trains small networks, so a cell may take longer than nbgrader's 30 seconds.
c.Execute.timeout = 300
