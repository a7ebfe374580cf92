"""How a decision is told: as a sentence, as a table, as data, as a comparison, and in the form in which it is stored."""
