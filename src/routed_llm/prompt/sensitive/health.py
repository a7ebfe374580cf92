"""Somebody's health: an illness, a medicine or a finding beside words that tie it to a person; record numbers, ICD-10 codes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from routed_llm.prompt.sensitive.finding import Finding
from routed_llm.prompt.words import vocabulary

__all__ = ["CUES", "TERMS", "conditions", "records"]

#: illnesses, medicines, examinations and states, single words in lower case (English, German, French, Spanish)
TERMS = vocabulary(
    "diabetes diabetic hypertension cancer tumor tumour carcinoma melanoma leukemia leukaemia lymphoma metastasis "
    "chemotherapy chemo radiotherapy hiv aids hepatitis tuberculosis covid influenza pneumonia bronchitis asthma copd "
    "epilepsy seizure seizures stroke migraine migraines dementia alzheimer parkinson sclerosis lupus arthritis "
    "osteoporosis fibromyalgia psoriasis eczema anemia anaemia hemophilia thrombosis embolism arrhythmia angina "
    "infarction atherosclerosis fibrillation depression depressed anxiety bipolar schizophrenia psychosis ptsd adhd "
    "autism autistic ocd anorexia bulimia insomnia addiction alcoholism overdose suicidal suicide pregnant pregnancy "
    "miscarriage abortion infertility ivf endometriosis pcos menopause chlamydia gonorrhea syphilis herpes hpv std sti "
    "ulcer colitis crohn celiac gastritis cirrhosis pancreatitis gallstones appendicitis dialysis transplant biopsy mri "
    "colonoscopy mammogram ecg hba1c cholesterol thyroid hypothyroidism hyperthyroidism fracture concussion allergy "
    "allergic anaphylaxis disability wheelchair amputation glaucoma cataract tinnitus sepsis fibroids hernia sciatica "
    "gout obesity metformin insulin ibuprofen paracetamol acetaminophen aspirin warfarin heparin lisinopril amlodipine "
    "atorvastatin simvastatin omeprazole levothyroxine prednisone prednisolone cortisone methotrexate adalimumab "
    "sertraline fluoxetine citalopram escitalopram venlafaxine bupropion lithium quetiapine olanzapine risperidone "
    "diazepam lorazepam alprazolam xanax prozac zoloft ritalin adderall methylphenidate oxycodone morphine fentanyl "
    "tramadol codeine amoxicillin penicillin ciprofloxacin ozempic semaglutide viagra krebs bluthochdruck schlaganfall "
    "herzinfarkt lungenentzündung grippe epilepsie migräne demenz depressionen angststörung schwanger schwangerschaft "
    "fehlgeburt allergie brustkrebs hautkrebs leukämie rheuma burnout essstörung magersucht sucht chemotherapie "
    "schilddrüse bandscheibenvorfall diabète cancer hypertension asthme grossesse enceinte dépression anxiété épilepsie "
    "grippe sida vih avortement insuline tumeur leucémie diabético cáncer hipertensión asma embarazada embarazo "
    "depresión ansiedad epilepsia gripe insulina aborto quimioterapia leucemia"
)
#: words without which neither a record number nor a code is looked for
CUES = vocabulary(
    "patient patients mrn medical icd diagnosis diagnosed diagnoses diagnose diagnosen patientin patientennummer "
    "krankenakte dx hospital chart admission discharge diagnostic diagnóstico paciente historia dossier "
    "krankenversichertennummer"
)
_SOMEBODY = re.compile(
    r"\b(?:i(?:'m| am| was| have| had| take| got| suffer| feel|'ve)|i've been|my(?: \w+){0,3}? (?:has|had|have|is|was"
    r"|takes|suffers|got|"
    r"diagnos\w+|doctor|therapist|medication|symptoms|prescription|condition|results?|treatment|history of|test)|"
    r"my (?:\w+ ){0,1}\Z|diagnosed with|tested positive|prescribed|suffer(?:s|ing|ed)? from|treated for|"
    r"(?:the |this )?patient(?: \w+){0,6} (?:has|had|with|presents|presented|complains|reports|denies|takes|is|was)"
    r"|patient:|"
    r"year[- ]old (?:\w+ ){0,3}(?:has|had|with|presents|presented)|he (?:has|takes|had)|she (?:has|takes|had)|"
    r"(?:her|his|my|our) (?:\w+ ){0,2}\Z|"
    r"ich (?:habe|bin|leide|nehme|hatte)|bei mir|mein(?:e|er|em|en)?(?: \w+){0,3} (?:hat|hatte|leidet|ist|nimmt)"
    r"|diagnostiziert|"
    r"j'ai|je (?:suis|souffre|prends)|m(?:on|a) \w+ (?:a|est|souffre|prend)|tengo|padezco|sufro|estoy|tomo|me "
    r"diagnosticaron|"
    r"mi \w+ (?:tiene|padece|está|toma)|diagnosticad[oa])\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[.!?\n]\s")
_RECORD = re.compile(
    r"\b(?:mrn|medical record(?: number| no\.?)?|patient (?:id|number|no\.?)|chart (?:number|no\.?)|patientennummer"
    r"|versichertennummer|"
    r"krankenversichertennummer|num[ée]ro de dossier|historia cl[ií]nica)\b[^\w\n]{0,4}(?:is |ist |est |es )?[ :#]{0,3}"
    r"(?P<value>[A-Z]{0,4}-?[0-9][0-9A-Z-]{3,15})",
    re.IGNORECASE,
)
#: chapters A to Z, category of two signs, up to four more behind the point (WHO, ICD-10)
_ICD = re.compile(r"(?<![A-Za-z0-9.])[A-TV-Z][0-9][0-9AB](?:\.[0-9A-Z]{1,4})?(?![A-Za-z0-9])")
_ICD_CUE = re.compile(r"\b(?:icd|diagnos|dx\b|patient|admi(?:ssion|tted)|codes?\b)", re.IGNORECASE)


def _sentence_before(text: str, start: int) -> str:
    """What stands before a place in its sentence, at most 140 characters."""
    part = text[max(0, start - 140) : start]
    ends = [match.end() for match in _SENTENCE.finditer(part)]
    return part[ends[-1] :] if ends else part


def conditions(text: str, lower: str, terms: frozenset[str]) -> Iterator[Finding]:
    """Medical words that a person of the text has, takes or fears; "what is diabetes?" is nobody's health.

    ``terms`` are those of :data:`TERMS` that occur as words.
    """
    for term in terms:
        start = lower.find(term)
        while start >= 0:
            end = start + len(term)
            whole = not (start and lower[start - 1].isalnum()) and not lower[end : end + 1].isalnum()
            if whole and _SOMEBODY.search(_sentence_before(text, start)):
                yield Finding("condition", "health", start, end)
            start = lower.find(term, end)


def records(text: str) -> Iterator[Finding]:
    """Numbers of medical records, and ICD-10 codes near a word such as "diagnosis"."""
    for match in _RECORD.finditer(text):
        yield Finding("medical_record", "health", match.start("value"), match.end("value"))
    for match in _ICD.finditer(text):
        before = text[max(0, match.start() - 80) : match.start()]
        if _ICD_CUE.search(before):
            yield Finding("icd10", "health", match.start(), match.end())
