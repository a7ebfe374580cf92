"""Getting it answered: ``journey`` reads top to bottom, ``execute`` tries one deployment after the other."""
