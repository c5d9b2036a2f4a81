package block

import (
	"context"
	"fmt"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// lookAtImages reads the images.
func (s *Service) lookAtImages(ctx context.Context, w *ward, d *Diagnosis) error {
	list := List{Sort: []SortKey{{Field: FieldID}}, Limit: MaxPage}
	for {
		page, err := s.store.Images(ctx, list)
		if err != nil {
			return err
		}
		for _, i := range page {
			w.images[i.ID] = i
			list.Marker = i.ID
		}
		if d.Images += len(page); len(page) < MaxPage {
			return nil
		}
	}
}

// judgeImages finds images that wait for what does not come, or have lost their bytes.
func (s *Service) judgeImages(w *ward, d *Diagnosis) {
	for _, id := range sorted(w.images) {
		image := w.images[id]
		kill := func(ctx context.Context) error {
			return s.store.InTx(ctx, func(tx Tx) error { return killImage(tx, image.ID) })
		}
		const plan = "set its status to killed, from which it can be deleted"
		waits := image.Status == ImageSaving || image.Status == ImageDeleting
		switch {
		case waits && !w.awaits(id) && !w.awaits(image.VolumeID):
			d.add(&Finding{Problem: StatusProblem, Object: "image", ID: id,
				Says: fmt.Sprintf("it is %s, and no job is queued for it", image.Status), Plan: plan, mend: kill})
		case image.HoldsBytes() && w.damaged[id] == nil && !w.held[driver.Ref{Volume: id, Snapshot: id}]:
			d.add(&Finding{Problem: MissingProblem, Object: "image", ID: id,
				Says: "it is said to hold bytes, and the driver does not hold it", Plan: plan, mend: kill})
		}
	}
}
