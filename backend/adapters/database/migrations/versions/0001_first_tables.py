"""First tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "clients",
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("bytes_kept", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_clients")),
    )
    op.create_table(
        "images",
        sa.Column("cid", sa.String(length=59), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("stripped", sa.JSON(), nullable=False),
        sa.Column("pin_id", sa.String(length=100), nullable=True),
        sa.Column("client", sa.String(length=45), nullable=False),
        sa.PrimaryKeyConstraint("cid", name=op.f("pk_images")),
    )
    op.create_index(op.f("ix_images_client"), "images", ["client"], unique=False)
    op.create_table(
        "ledgers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledgers")),
        sa.UniqueConstraint("chain_id", "contract", name=op.f("uq_ledgers_chain_id_contract")),
    )
    op.create_table(
        "checkpoints",
        sa.Column("ledger_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=66), nullable=False),
        sa.ForeignKeyConstraint(["ledger_id"], ["ledgers.id"], name=op.f("fk_checkpoints_ledger_id")),
        sa.PrimaryKeyConstraint("ledger_id", "number", name=op.f("pk_checkpoints")),
    )
    op.create_table(
        "classifications",
        sa.Column("manifest_hash", sa.String(length=64), nullable=False),
        sa.Column("manifest_cid", sa.String(length=59), nullable=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        sa.Column("cid", sa.String(length=59), nullable=False),
        sa.Column("model_name", sa.String(length=100), nullable=False),
        sa.Column("model_version", sa.String(length=40), nullable=False),
        sa.Column("model_sha256", sa.String(length=64), nullable=False),
        sa.Column("modality", sa.String(length=100), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("label_code", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("probabilities", sa.JSON(), nullable=False),
        sa.Column("abstained", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("activation_map", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["cid"], ["images.cid"], name=op.f("fk_classifications_cid")),
        sa.PrimaryKeyConstraint("manifest_hash", name=op.f("pk_classifications")),
        sa.UniqueConstraint("cid", "model_sha256", name=op.f("uq_classifications_cid_model_sha256")),
    )
    op.create_table(
        "diagnoses",
        sa.Column("model_id", sa.String(length=66), nullable=False),
        sa.Column("classifier", sa.String(length=42), nullable=False),
        sa.Column("label", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Integer(), nullable=False),
        sa.Column("manifest_hash", sa.String(length=66), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.String(length=132), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ledger_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("image_id", sa.String(length=66), nullable=False),
        sa.Column("transaction_hash", sa.String(length=66), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.String(length=66), nullable=False),
        sa.Column("block_timestamp", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["ledger_id"], ["ledgers.id"], name=op.f("fk_diagnoses_ledger_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_diagnoses")),
        sa.UniqueConstraint(
            "ledger_id", "transaction_hash", "log_index", name=op.f("uq_diagnoses_ledger_id_transaction_hash_log_index")
        ),
    )
    op.create_index(
        op.f("ix_diagnoses_ledger_id_block_number"), "diagnoses", ["ledger_id", "block_number"], unique=False
    )
    op.create_index(op.f("ix_diagnoses_ledger_id_image_id"), "diagnoses", ["ledger_id", "image_id"], unique=False)
    op.create_index(
        op.f("ix_diagnoses_ledger_id_model_id_label"), "diagnoses", ["ledger_id", "model_id", "label"], unique=False
    )
    op.create_table(
        "registrations",
        sa.Column("uploader", sa.String(length=42), nullable=False),
        sa.Column("cid", sa.String(length=59), nullable=False),
        sa.Column("commitment", sa.String(length=66), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ledger_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("image_id", sa.String(length=66), nullable=False),
        sa.Column("transaction_hash", sa.String(length=66), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.String(length=66), nullable=False),
        sa.Column("block_timestamp", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["ledger_id"], ["ledgers.id"], name=op.f("fk_registrations_ledger_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
        sa.UniqueConstraint("ledger_id", "image_id", name=op.f("uq_registrations_ledger_id_image_id")),
        sa.UniqueConstraint(
            "ledger_id",
            "transaction_hash",
            "log_index",
            name=op.f("uq_registrations_ledger_id_transaction_hash_log_index"),
        ),
    )
    op.create_index(
        op.f("ix_registrations_ledger_id_block_number_log_index"),
        "registrations",
        ["ledger_id", "block_number", "log_index"],
        unique=False,
    )
    op.create_index(op.f("ix_registrations_ledger_id_cid"), "registrations", ["ledger_id", "cid"], unique=False)
    op.create_index(
        op.f("ix_registrations_ledger_id_uploader"), "registrations", ["ledger_id", "uploader"], unique=False
    )
    op.create_table(
        "attestations",
        sa.Column("manifest_hash", sa.String(length=64), nullable=False),
        sa.Column("image_id", sa.String(length=66), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("model_id", sa.String(length=66), nullable=False),
        sa.Column("label", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Integer(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.String(length=132), nullable=False),
        sa.Column("classifier", sa.String(length=42), nullable=False),
        sa.ForeignKeyConstraint(
            ["manifest_hash"], ["classifications.manifest_hash"], name=op.f("fk_attestations_manifest_hash")
        ),
        sa.PrimaryKeyConstraint("manifest_hash", "image_id", "chain_id", "contract", name=op.f("pk_attestations")),
    )


def downgrade() -> None:
    op.drop_table("attestations")
    op.drop_index(op.f("ix_registrations_ledger_id_uploader"), table_name="registrations")
    op.drop_index(op.f("ix_registrations_ledger_id_cid"), table_name="registrations")
    op.drop_index(op.f("ix_registrations_ledger_id_block_number_log_index"), table_name="registrations")
    op.drop_table("registrations")
    op.drop_index(op.f("ix_diagnoses_ledger_id_model_id_label"), table_name="diagnoses")
    op.drop_index(op.f("ix_diagnoses_ledger_id_image_id"), table_name="diagnoses")
    op.drop_index(op.f("ix_diagnoses_ledger_id_block_number"), table_name="diagnoses")
    op.drop_table("diagnoses")
    op.drop_table("classifications")
    op.drop_table("checkpoints")
    op.drop_table("ledgers")
    op.drop_index(op.f("ix_images_client"), table_name="images")
    op.drop_table("images")
    op.drop_table("clients")
