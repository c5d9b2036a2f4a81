package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breezeblock/breezeblock/internal/block"
)

// NewVolumeType is a type with every column set.
func NewVolumeType(n int, name string, created time.Time) *block.VolumeType {
	return &block.VolumeType{
		ID: id(n), Name: name, Description: block.SetText("fast"), Public: true, ExtraSpecs: map[string]string{"a": "b"}, QoSID: id(900),
		Encryption: &block.Encryption{ID: id(901), Provider: "luks", ControlLocation: "front-end", Cipher: block.SetText("aes"),
			KeySize: 256, CreatedAt: created, UpdatedAt: created.Add(time.Second)},
		CreatedAt: created,
	}
}

func testVolumeTypes(t *testing.T, fresh func(testing.TB) string) {
	t.Run("types come oldest first and whole", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		newer := NewVolumeType(1, "SSD", clock.Now())
		older := &block.VolumeType{ID: id(2), Name: "SATA", ExtraSpecs: map[string]string{}, CreatedAt: clock.Now().Add(-time.Second)}
		must(t, s, func(tx block.Tx) error {
			if err := tx.AddVolumeType(newer); err != nil {
				return err
			}
			return tx.AddVolumeType(older)
		})
		got, err := s.VolumeTypes(t.Context())
		if diff := cmp.Diff([]*block.VolumeType{older, newer}, got); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
	})
	t.Run("a name is taken once", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		must(t, s, func(tx block.Tx) error {
			if err := tx.AddVolumeType(NewVolumeType(3, "SAS", clock.Now())); err != nil {
				return err
			}
			return tx.AddVolumeType(NewVolumeType(1, "SSD", clock.Now()))
		})
		err := s.InTx(t.Context(), func(tx block.Tx) error { return tx.AddVolumeType(NewVolumeType(2, "SSD", clock.Now())) })
		wantKind(t, err, block.Conflict, "Volume Type SSD already exists.")
		err = s.InTx(t.Context(), func(tx block.Tx) error {
			v, err := tx.VolumeType(id(3))
			if err != nil {
				return err
			}
			renamed := *v
			renamed.Name = "SSD"
			return tx.SaveVolumeType(&renamed)
		})
		wantKind(t, err, block.Conflict, "Volume Type SSD already exists.")
	})
	t.Run("saving writes every field that may change, dropping leaves nothing of it", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		v := NewVolumeType(1, "SSD", clock.Now())
		must(t, s, func(tx block.Tx) error { return tx.AddVolumeType(v) })
		stale := *v
		clock.Add(time.Minute)
		want := *v
		want.Name, want.Description, want.Public, want.QoSID, want.Encryption = "NVME", block.Text{}, false, "", nil
		want.ExtraSpecs = map[string]string{}
		must(t, s, func(tx block.Tx) error {
			saved := want
			return tx.SaveVolumeType(&saved)
		})
		want.UpdatedAt, want.Version = clock.Now(), 2
		must(t, s, func(tx block.Tx) error {
			got, err := tx.VolumeType(want.ID)
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Error(diff)
			}
			held, _ := tx.UseVolumeType(want.ID)
			if diff := cmp.Diff(&want, held); diff != "" {
				t.Error(diff)
			}
			return err
		})
		err := s.InTx(t.Context(), func(tx block.Tx) error { return tx.SaveVolumeType(&stale) })
		wantKind(t, err, block.Conflict, "")
		err = s.InTx(t.Context(), func(tx block.Tx) error { return tx.DropVolumeType(&stale) })
		wantKind(t, err, block.Conflict, "")
		must(t, s, func(tx block.Tx) error {
			if err := tx.AddTypeProject(want.ID, project); err != nil {
				return err
			}
			return tx.DropVolumeType(&want)
		})
		err = s.InTx(t.Context(), func(tx block.Tx) error {
			_, err := tx.UseVolumeType(want.ID)
			return err
		})
		wantKind(t, err, block.NotFound, "")
		if ids, err := s.TypesOfProject(t.Context(), project); len(ids) != 0 || err != nil {
			t.Errorf("access is left: %v, %v", ids, err)
		}
	})
	t.Run("a type is used as long as its usage is not zero", func(t *testing.T) {
		s, _ := Open(t, fresh(t))
		for _, step := range []struct {
			change block.Usage
			used   bool
		}{{block.Usage{}, false}, {block.Usage{Volumes: 1}, true}, {block.Usage{Volumes: -1, Snapshots: 1}, true}, {block.Usage{Snapshots: -1}, false}} {
			must(t, s, func(tx block.Tx) error {
				if _, _, err := tx.AddUsage(project, id(1), step.change); err != nil {
					return err
				}
				used, err := tx.TypeUsed(id(1))
				if used != step.used {
					t.Errorf("after %v: used is %v", step.change, used)
				}
				return err
			})
		}
	})
	testTypeLimits(t, fresh)
	testTypeProjects(t, fresh)
}

func testTypeLimits(t *testing.T, fresh func(testing.TB) string) {
	t.Run("limits go with the name of a type, and with the type", func(t *testing.T) {
		s, _ := Open(t, fresh(t))
		must(t, s, func(tx block.Tx) error {
			if err := tx.SetQuotaLimits(project, block.Limits{"volumes": 5, "volumes_old": 1, "gigabytes_old": 2, "snapshots_old": 3, "volumes_new": 9, "volumes_older": 4}); err != nil {
				return err
			}
			if err := tx.SetClassLimits("default", block.Limits{"volumes_old": 7}); err != nil {
				return err
			}
			return tx.RenameLimits("old", "new")
		})
		limits := func(want, wantClass block.Limits) {
			t.Helper()
			got, err := s.QuotaLimits(t.Context(), project)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v: %s", err, diff)
			}
			class, err := s.ClassLimits(t.Context(), "default")
			if diff := cmp.Diff(wantClass, class); diff != "" || err != nil {
				t.Errorf("%v: %s", err, diff)
			}
		}
		limits(block.Limits{"volumes": 5, "volumes_new": 1, "gigabytes_new": 2, "snapshots_new": 3, "volumes_older": 4}, block.Limits{"volumes_new": 7})
		must(t, s, func(tx block.Tx) error { return tx.RenameLimits("new", "") })
		limits(block.Limits{"volumes": 5, "volumes_older": 4}, block.Limits{})
	})
}

func testTypeProjects(t *testing.T, fresh func(testing.TB) string) {
	t.Run("access is given once and taken once", func(t *testing.T) {
		s, _ := Open(t, fresh(t))
		must(t, s, func(tx block.Tx) error {
			for _, p := range []string{other, project} {
				if err := tx.AddTypeProject(id(1), p); err != nil {
					return err
				}
			}
			return tx.AddTypeProject(id(2), project)
		})
		err := s.InTx(t.Context(), func(tx block.Tx) error { return tx.AddTypeProject(id(1), project) })
		wantKind(t, err, block.Conflict, "")
		if got, err := s.ProjectsOfType(t.Context(), id(1)); err != nil || !cmp.Equal(got, []string{project, other}) {
			t.Errorf("got %v, %v", got, err)
		}
		must(t, s, func(tx block.Tx) error {
			n, err := tx.CountTypeProjects(id(1))
			ids, _ := tx.TypesOfProject(project)
			if n != 2 || len(ids) != 2 {
				t.Errorf("got %d projects and %v", n, ids)
			}
			if err != nil {
				return err
			}
			return tx.DropTypeProject(id(1), project)
		})
		if got, err := s.TypesOfProject(t.Context(), project); err != nil || !cmp.Equal(got, []string{id(2)}) {
			t.Errorf("got %v, %v", got, err)
		}
		err = s.InTx(t.Context(), func(tx block.Tx) error { return tx.DropTypeProject(id(1), project) })
		wantKind(t, err, block.NotFound, "")
	})
	t.Run("a project has one default type at most", func(t *testing.T) {
		s, _ := Open(t, fresh(t))
		must(t, s, func(tx block.Tx) error {
			for _, set := range [][2]string{{project, "a"}, {other, "b"}, {project, "b"}} {
				if err := tx.SetDefaultType(set[0], set[1]); err != nil {
					return err
				}
			}
			of, err := tx.DefaultType(project)
			n, _ := tx.CountDefaultTypes("b")
			all, _ := tx.CountDefaultTypes("")
			if of != "b" || n != 2 || all != 2 {
				t.Errorf("got %q, %d, %d", of, n, all)
			}
			return err
		})
		if got, err := s.DefaultTypes(t.Context(), ""); err != nil || !cmp.Equal(got, map[string]string{project: "b", other: "b"}) {
			t.Errorf("got %v, %v", got, err)
		}
		must(t, s, func(tx block.Tx) error { return tx.DropDefaultType(project) })
		must(t, s, func(tx block.Tx) error {
			of, err := tx.DefaultType(project)
			if of != "" {
				t.Errorf("got %q", of)
			}
			return err
		})
		if got, err := s.DefaultTypes(t.Context(), project); err != nil || len(got) != 0 {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

func testQoS(t *testing.T, fresh func(testing.TB) string) {
	t.Run("specs are kept whole, by a name that is taken once", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		q := &block.QoSSpecs{ID: id(1), Name: "fast", Consumer: "both", Specs: map[string]string{"read_iops_sec": "5"}, CreatedAt: clock.Now()}
		must(t, s, func(tx block.Tx) error { return tx.AddQoS(q) })
		err := s.InTx(t.Context(), func(tx block.Tx) error {
			return tx.AddQoS(&block.QoSSpecs{ID: id(2), Name: "fast", Consumer: "both", CreatedAt: clock.Now()})
		})
		wantKind(t, err, block.Conflict, "QoS Specs fast already exists.")
		stale := *q
		clock.Add(time.Minute)
		want := *q
		want.Consumer, want.Specs = "back-end", map[string]string{}
		must(t, s, func(tx block.Tx) error {
			saved := want
			if err := tx.SaveQoS(&saved); err != nil {
				return err
			}
			if n, err := tx.CountQoS(); n != 1 || err != nil {
				t.Errorf("got %d, %v", n, err)
			}
			return nil
		})
		want.UpdatedAt, want.Version = clock.Now(), 2
		got, err := s.QoSSpecs(t.Context())
		if diff := cmp.Diff([]*block.QoSSpecs{&want}, got); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
		err = s.InTx(t.Context(), func(tx block.Tx) error { return tx.SaveQoS(&stale) })
		wantKind(t, err, block.Conflict, "")
		err = s.InTx(t.Context(), func(tx block.Tx) error { return tx.DropQoS(&stale) })
		wantKind(t, err, block.Conflict, "")
		must(t, s, func(tx block.Tx) error { return tx.DropQoS(&want) })
		err = s.InTx(t.Context(), func(tx block.Tx) error {
			_, err := tx.QoS(id(1))
			return err
		})
		wantKind(t, err, block.NotFound, "No such QoS spec "+id(1)+".")
	})
	t.Run("the types of specs are found", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		must(t, s, func(tx block.Tx) error {
			with, without := NewVolumeType(1, "with", clock.Now()), NewVolumeType(2, "without", clock.Now())
			without.QoSID = ""
			for _, v := range []*block.VolumeType{with, without} {
				if err := tx.AddVolumeType(v); err != nil {
					return err
				}
			}
			types, err := tx.TypesOfQoS(id(900))
			if len(types) != 1 || types[0].Name != "with" {
				t.Errorf("got %v", types)
			}
			return err
		})
	})
}
