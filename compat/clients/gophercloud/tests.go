package main

import (
	// Keeps the version of the client in go.mod; its tests are run, not imported.
	_ "github.com/gophercloud/gophercloud/v2"
)

// user is whose openrc a test is run with.
type user string

const (
	demo  user = "demo"
	admin user = "admin"
)

// suite is one of gophercloud's acceptance packages.
type suite struct {
	folder string
	// branch is what OS_BRANCH says: the tests of v2 are skipped above ocata, as
	// Cinder had dropped v2 by then.
	branch string
	run    map[string]user   // tests that must pass, and as whom
	alone  string            // a test that minds other volumes in its project; empty: none
	left   map[string]string // tests left out, and why; every test is here or in run
}

const (
	noCompute = "needs a compute service"
	noImage   = "needs an image service"
	notBuilt  = "the calls are not built yet: "
)

var suites = []suite{
	{
		folder: "v2", branch: "stable/ocata",
		run: map[string]user{
			"TestLimits":                        demo,
			"TestSnapshots":                     demo,
			"TestVolumesCreateDestroy":          demo,
			"TestVolumesCreateForceDestroy":     admin,
			"TestVolumesCascadeDelete":          demo,
			"TestVolumeActionsExtendSize":       demo,
			"TestVolumeActionsResetStatus":      admin,
			"TestVolumeActionsSetBootable":      demo,
			"TestVolumeTenants":                 demo,
			"TestSchedulerHints":                demo,
			"TestSchedulerStatsList":            admin,
			"TestServicesList":                  admin,
			"TestBackupsCRUD":                   demo,
			"TestBackupsResetStatus":            admin,
			"TestBackupsForceDelete":            admin,
			"TestVolumeActionsReserveUnreserve": demo,
		},
		left: map[string]string{
			"TestVolumeActionsUploadImageDestroy":  noImage,
			"TestVolumeActionsAttachCreateDestroy": noCompute,
			"TestVolumeActionsImageMetadata":       notBuilt + "os-set_image_metadata",
		},
	},
	{
		folder: "v3", branch: "stable/zed",
		alone: "TestVolumes", // looks for its own among the first pages of the list
		run: map[string]user{
			"TestLimits":                        demo,
			"TestSnapshots":                     demo,
			"TestSnapshotsResetStatus":          admin,
			"TestSnapshotsForceDelete":          admin,
			"TestVolumes":                       demo,
			"TestVolumesCascadeDelete":          demo,
			"TestVolumeActionsExtendSize":       demo,
			"TestVolumeActionsResetStatus":      admin,
			"TestVolumeActionsSetBootable":      demo,
			"TestVolumeTenants":                 demo,
			"TestSnapshotsUpdateStatus":         admin,
			"TestQuotasetGet":                   admin,
			"TestQuotasetGetDefaults":           admin,
			"TestQuotasetGetUsage":              admin,
			"TestQuotasetDelete":                admin,
			"TestSchedulerHints":                demo,
			"TestSchedulerStatsList":            admin,
			"TestServicesList":                  admin,
			"TestVolumesMultiAttach":            admin,
			"TestVolumeActionsChangeType":       admin,
			"TestVolumeTypesCRUD":               admin,
			"TestVolumeTypesExtraSpecs":         admin,
			"TestVolumeTypesAccess":             admin,
			"TestEncryptionVolumeTypes":         admin,
			"TestVolumeActionsReserveUnreserve": demo,
			"TestQuotasetUpdate":                admin,
			"TestManageableVolumes":             admin,
			"TestQoS":                           admin,
			"TestQoSAssociations":               admin,
			"TestBackupsCRUD":                   demo,
			"TestBackupsResetStatus":            admin,
			"TestBackupsForceDelete":            admin,
		},
		left: map[string]string{
			"TestVolumeActionsImageMetadata":       notBuilt + "os-set_image_metadata",
			"TestVolumeAttachments":                noCompute,
			"TestVolumeActionsAttachCreateDestroy": noCompute,
			"TestVolumeActionsUploadImageDestroy":  noImage,
			"TestVolumeActionsReImage":             noImage,
		},
	},
}
