package evs

import (
	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// enterpriseProjectKey is the field and the filter of the enterprise project.
const enterpriseProjectKey = "enterprise_project_id"

// readEnterpriseProject reads the enterprise project that something new is to be of:
// the default one or a UUID; empty when the field is absent or null. Source: EVS 6.1;
// EVS.2059. Assumed: any UUID is one; see block.DefaultEnterpriseProject.
func readEnterpriseProject(members wire.Members) (string, error) {
	value, given := members.Get(enterpriseProjectKey)
	if !given || value.Kind() == 'n' {
		return "", nil
	}
	id, err := wire.ReadString(value, enterpriseProjectKey)
	if err == nil && id != block.DefaultEnterpriseProject && !wire.IsUUID(id) {
		err = block.On(enterpriseProjectKey, block.Errorf(block.Invalid,
			"Invalid input for field/attribute %s: it must be %s or a UUID, which has 36 characters, not %.64q.", enterpriseProjectKey, block.DefaultEnterpriseProject, id))
	}
	return id, err
}

// allEnterpriseProjects is all that the caller may see. Source: EVS 4.2, 7.3.
const allEnterpriseProjects = "all_granted_eps"

// byEnterpriseProject keeps what is of one enterprise project, or everything.
func byEnterpriseProject(q *listQuery, value string) error {
	if value == allEnterpriseProjects {
		return nil
	}
	return byField(block.FieldEnterprise)(q, value)
}
