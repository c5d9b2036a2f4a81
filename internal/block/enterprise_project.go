package block

// DefaultEnterpriseProject is the enterprise project of what nobody gave one. Source:
// EVS 6.1, enterprise_project_id. Assumed: enterprise projects are another service's
// (EPS), so ids are noted and shown, and none is looked up.
const DefaultEnterpriseProject = "0"
