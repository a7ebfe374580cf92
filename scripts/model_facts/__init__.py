"""What sources beside the price list and LangChain's profiles tell of models; each module reads one."""
