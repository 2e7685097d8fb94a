package rbac

// NewDraft returns what a preview writes to.
func NewDraft(r Reader) Tx { return &draft{Reader: r} }
