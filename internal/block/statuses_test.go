package block

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// statusesOf are the constants of a type of status in this package's code: one that
// is added without an exit and words fails the tests below.
func statusesOf(t *testing.T, typeName string) (found []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, isValue := n.(*ast.ValueSpec); isValue {
				found = append(found, constantsOf(spec, typeName)...)
			}
			return true
		})
	}
	if len(found) < 5 {
		t.Fatalf("only %v are statuses of type %s: the search is wrong", found, typeName)
	}
	return found
}

// constantsOf are the texts of a declaration if it is of a type.
func constantsOf(spec *ast.ValueSpec, typeName string) (found []string) {
	if name, named := spec.Type.(*ast.Ident); !named || name.Name != typeName {
		return nil
	}
	for _, v := range spec.Values {
		if lit, isText := v.(*ast.BasicLit); isText {
			found = append(found, strings.Trim(lit.Value, `"`))
		}
	}
	return found
}

// explainedWell checks the words of a status. Those that wait for a job say how it
// ends; those that do not say what they wait for, what went wrong, or what can be done.
func explainedWell(t *testing.T, noun, status string, w words, inMotion, setByHand bool) {
	t.Helper()
	if strings.Contains(w.work, "another version") {
		t.Errorf("%s %s: no words explain it", noun, status)
	}
	switch working := w.work != ""; {
	case working && (w.good == "" || w.bad == ""):
		t.Errorf("%s %s: the words do not say how its work ends", noun, status)
	case working != inMotion && !setByHand:
		t.Errorf("%s %s: the doctor looks for a job: %v; explain does: %v", noun, status, inMotion, working)
	case !working && w.waits == "" && w.then == "" && len(w.can) < 3: // two can always be done
		t.Errorf("%s %s: the words tell nothing: %+v", noun, status, w)
	}
}

func TestEveryStatusOfAVolumeHasAnExitAndWords(t *testing.T) {
	for _, text := range statusesOf(t, "VolumeStatus") {
		status := VolumeStatus(text)
		if status == VolumeDeleted {
			continue // no row has it
		}
		exit := exitOfVolume(status)
		if exit != "" && (exitOfVolume(exit) != "" || !slices.Contains(volumeMoves[status], exit)) {
			t.Errorf("volume %s: its exit %s is none, or no move of the table", status, exit)
		}
		if !slices.Contains(volumeMoves[status], VolumeDeleting) && status != VolumeDeleting {
			t.Errorf("volume %s: os-force_delete cannot take it", status)
		}
		const byHand = false
		explainedWell(t, "volume", text, wordsOfVolume(&Volume{Status: status}), exit != "", byHand)
	}
}

func TestEveryStatusOfASnapshotHasAnExitAndWords(t *testing.T) {
	for _, text := range statusesOf(t, "SnapshotStatus") {
		status := SnapshotStatus(text)
		exit := exitOfSnapshot(status)
		if exit != "" && exitOfSnapshot(exit) != "" {
			t.Errorf("snapshot %s: its exit %s is none", status, exit)
		}
		if !slices.Contains(snapshotMoves[status], SnapshotDeleting) && status != SnapshotDeleting {
			t.Errorf("snapshot %s: os-force_delete cannot take it", status)
		}
		// Nothing makes these but os-reset_status: nobody is at work, which the doctor says.
		byHand := status == SnapshotDeleted || status == SnapshotUpdating || status == SnapshotUnmanaging
		explainedWell(t, "snapshot", text, wordsOfSnapshot(&Snapshot{Status: status}), exit != "", byHand)
	}
}

func TestEveryStatusOfABackupHasAnExitAndWords(t *testing.T) {
	for _, text := range statusesOf(t, "BackupStatus") {
		status := BackupStatus(text)
		if status == BackupDeleted {
			continue // no row has it
		}
		exit := exitOfBackup(status)
		if exit != "" && (exitOfBackup(exit) != "" || !slices.Contains(backupMoves[status], exit)) {
			t.Errorf("backup %s: its exit %s is none, or no move of the table", status, exit)
		}
		if !slices.Contains(backupMoves[status], BackupDeleting) && status != BackupDeleting {
			t.Errorf("backup %s: os-force_delete cannot take it", status)
		}
		const byHand = false
		explainedWell(t, "backup", text, wordsOfBackup(&Backup{Status: status}), exit != "", byHand)
	}
	if exitOfBackup("of another version") != BackupError {
		t.Error("a backup in a status of another version is left in it")
	}
}

func TestEveryStatusOfAGroupHasAnExitAndWords(t *testing.T) {
	for _, text := range statusesOf(t, "GroupStatus") {
		g := &Group{Status: GroupStatus(text)}
		if len(groupMoves[g.Status]) == 0 {
			t.Errorf("group %s leads nowhere", text)
		}
		explainedWell(t, "group", text, wordsOfGroup(g), g.inMotion(), false)
	}
	for _, text := range statusesOf(t, "GroupSnapshotStatus") {
		s := &GroupSnapshot{Status: GroupSnapshotStatus(text)}
		explainedWell(t, "group snapshot", text, wordsOfGroupSnapshot(s), s.inMotion(), false)
	}
}

// Each status of an attachment leads to its end.
func TestEveryStatusOfAnAttachmentHasAnExit(t *testing.T) {
	for _, text := range statusesOf(t, "AttachmentStatus") {
		if status := AttachmentStatus(text); status != AttachmentDeleted && !slices.Contains(attachmentMoves[status], AttachmentDeleted) {
			t.Errorf("attachment %s cannot be deleted", status)
		}
	}
}
