//! A safeguard that is taken out of the database on purpose, to see that a run finds the damage. `WITHOUT=…` names it.

/// A safeguard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Without {
    /// What is kept under a key is found again: the unique index over keys and carts.
    IdempotencyIndex,
    /// A worker that has lost its task changes nothing any more: its token.
    FinishToken,
    /// One worker at a time has a task: the lease.
    Lease,
    /// Every event is published: its row in the outbox.
    Outbox,
}

impl Without {
    const ALL: [Self; 4] = [Self::IdempotencyIndex, Self::FinishToken, Self::Lease, Self::Outbox];

    /// The one that the environment names.
    pub fn chosen() -> Option<Self> {
        let name = std::env::var("WITHOUT").ok().filter(|name| !name.is_empty())?;
        let names = Self::ALL.map(Self::name);
        let found = Self::ALL.into_iter().find(|without| without.name() == name);
        Some(found.unwrap_or_else(|| panic!("WITHOUT is one of {}, not {name}", names.join(", "))))
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::IdempotencyIndex => "idempotency_index",
            Self::FinishToken => "finish_token",
            Self::Lease => "lease",
            Self::Outbox => "outbox",
        }
    }

    /// What takes it out. An index that a statement names for its conflicts can't be dropped without failing the statement,
    /// so nothing meets its own key again instead.
    pub fn statements(self) -> &'static str {
        match self {
            Self::IdempotencyIndex => {
                "CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                     NEW.key_hash := sha256(NEW.key_hash || convert_to(gen_random_uuid()::text, 'UTF8'));
                     RETURN NEW;
                 END $$;
                 CREATE TRIGGER forget BEFORE INSERT ON idempotency_keys FOR EACH ROW EXECUTE FUNCTION forget();"
            }
            Self::FinishToken => {
                "CREATE FUNCTION same_token() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                     NEW.token := OLD.token;
                     RETURN NEW;
                 END $$;
                 CREATE TRIGGER same_token BEFORE UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION same_token();"
            }
            Self::Lease => {
                "CREATE FUNCTION no_lease() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                     IF NEW.leased THEN NEW.run_at := OLD.run_at; NEW.token := OLD.token; END IF;
                     RETURN NEW;
                 END $$;
                 CREATE TRIGGER no_lease BEFORE UPDATE ON tasks FOR EACH ROW WHEN (NEW.order_id IS NOT NULL)
                 EXECUTE FUNCTION no_lease();"
            }
            Self::Outbox => {
                "CREATE FUNCTION leak() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                     RETURN CASE WHEN random() < 0.02 THEN NULL ELSE NEW END;
                 END $$;
                 CREATE TRIGGER leak BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION leak();"
            }
        }
    }
}
