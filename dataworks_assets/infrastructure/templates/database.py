"""Dagster's PostgreSQL."""

from __future__ import annotations

from troposphere import GetAtt, If, Ref, Template, rds

from dataworks_assets.infrastructure.templates.exchange import IS_PRODUCTION, SUBNETS, give, tags, take

DATABASE, USER = "dagster", "dagster"


def make_database(template: Template) -> rds.DBInstance:
    """Creates the database, encrypted, with a password that RDS stores and rotates by itself."""
    subnets = template.add_resource(
        rds.DBSubnetGroup("DatabaseSubnets", DBSubnetGroupDescription="dataworks: Dagster", SubnetIds=SUBNETS, Tags=tags())
    )
    only_encrypted = template.add_resource(
        rds.DBParameterGroup(
            "DatabaseSettings",
            Family="postgres17",
            Description="dataworks: connections are encrypted",
            Parameters={"rds.force_ssl": "1"},
            Tags=tags(),
        )
    )
    database = template.add_resource(
        rds.DBInstance(
            "Database",
            Engine="postgres",
            EngineVersion="17.10",
            DBInstanceClass=Ref("DatabaseClass"),
            DBName=DATABASE,
            MasterUsername=USER,
            ManageMasterUserPassword=True,
            MasterUserSecret=rds.MasterUserSecret(KmsKeyId=take("DataKeyArn")),
            AllocatedStorage="50",
            MaxAllocatedStorage=500,
            StorageType="gp3",
            StorageEncrypted=True,
            KmsKeyId=take("DataKeyArn"),
            MultiAZ=If(IS_PRODUCTION, True, False),
            BackupRetentionPeriod=14,
            CopyTagsToSnapshot=True,
            DeletionProtection=If(IS_PRODUCTION, True, False),
            PubliclyAccessible=False,
            AutoMinorVersionUpgrade=True,
            DBParameterGroupName=Ref(only_encrypted),
            DBSubnetGroupName=Ref(subnets),
            VPCSecurityGroups=[take("DatabaseGroup")],
            EnableCloudwatchLogsExports=["postgresql"],
            DeletionPolicy="Snapshot",
            UpdateReplacePolicy="Snapshot",
            Tags=tags(),
        )
    )
    give(template, "DatabaseHost", GetAtt(database, "Endpoint.Address"), "Address of Dagster's PostgreSQL")
    return database
