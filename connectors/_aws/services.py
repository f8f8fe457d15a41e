"""AWS's own names in FOCUS's words, as of 2026-11: services, regions, units.

What is not here keeps AWS's name, and a service the category 'Other'.
"""

from collections.abc import Mapping

from connectors._sql import quoted

_COMPUTE, _STORAGE, _DATABASES = "Compute", "Storage", "Databases"
_NETWORKING, _AI = "Networking", "AI and Machine Learning"
_MANAGEMENT, _SECURITY = "Management and Governance", "Security"
_INTEGRATION, _ANALYTICS = "Integration", "Analytics"

# Product code: service name, category, subcategory.
SERVICES = {
    "AmazonEC2": ("Amazon Elastic Compute Cloud", _COMPUTE, "Virtual Machines"),
    "AmazonEKS": ("Amazon Elastic Kubernetes Service", _COMPUTE, "Containers"),
    "AmazonECS": ("Amazon Elastic Container Service", _COMPUTE, "Containers"),
    "AmazonECR": ("Amazon Elastic Container Registry", _COMPUTE, "Containers"),
    "AWSLambda": ("AWS Lambda", _COMPUTE, "Serverless Compute"),
    "ComputeSavingsPlans": ("Savings Plans for Compute usage", _COMPUTE, "Other (Compute)"),
    "AmazonS3": ("Amazon Simple Storage Service", _STORAGE, "Object Storage"),
    "AmazonEFS": ("Amazon Elastic File System", _STORAGE, "File Storage"),
    "AmazonFSx": ("Amazon FSx", _STORAGE, "File Storage"),
    "AmazonRDS": ("Amazon Relational Database Service", _DATABASES, "Relational Databases"),
    "AmazonDynamoDB": ("Amazon DynamoDB", _DATABASES, "NoSQL Databases"),
    "AmazonElastiCache": ("Amazon ElastiCache", _DATABASES, "Caching"),
    "AmazonVPC": ("Amazon Virtual Private Cloud", _NETWORKING, "Network Infrastructure"),
    "AWSDataTransfer": ("AWS Data Transfer", _NETWORKING, "Network Connectivity"),
    "AWSELB": ("Elastic Load Balancing", _NETWORKING, "Application Networking"),
    "AmazonCloudFront": ("Amazon CloudFront", _NETWORKING, "Content Delivery"),
    "AmazonRoute53": ("Amazon Route 53", _NETWORKING, "Network Infrastructure"),
    "AmazonBedrock": ("Amazon Bedrock", _AI, "Generative AI"),
    "AmazonBedrockService": ("Amazon Bedrock", _AI, "Generative AI"),
    "AmazonBedrockFoundationModels": ("Amazon Bedrock", _AI, "Generative AI"),
    "AmazonBedrockAgentCore": ("Amazon Bedrock AgentCore", _AI, "Generative AI"),
    "AmazonSageMaker": ("Amazon SageMaker", _AI, "AI Platforms"),
    "MachineLearningSavingsPlans": ("Savings Plans for Machine Learning", _AI, "AI Platforms"),
    "AmazonCloudWatch": ("Amazon CloudWatch", _MANAGEMENT, "Observability"),
    "AWSCloudTrail": ("AWS CloudTrail", _MANAGEMENT, "Compliance"),
    "awskms": ("AWS Key Management Service", _SECURITY, "Other (Security)"),
    "AWSSecretsManager": ("AWS Secrets Manager", _SECURITY, "Secret Management"),
    "AmazonSNS": ("Amazon Simple Notification Service", _INTEGRATION, "Messaging"),
    "AWSQueueService": ("Amazon Simple Queue Service", _INTEGRATION, "Messaging"),
    "AmazonStates": ("AWS Step Functions", _INTEGRATION, "Workflow Orchestration"),
    "AmazonKinesis": ("Amazon Kinesis", _ANALYTICS, "Streaming Analytics"),
    "AWSGlue": ("AWS Glue", _ANALYTICS, "Data Processing"),
    "AmazonAthena": ("Amazon Athena", _ANALYTICS, "Analytics Platforms"),
    "AWSSupportBusiness": ("AWS Support (Business)", _MANAGEMENT, "Support"),
    "AWSSupportEnterprise": ("AWS Support (Enterprise)", _MANAGEMENT, "Support"),
    "AWSDeveloperSupport": ("AWS Support (Developer)", _MANAGEMENT, "Support"),
}

# AWS pricing units in FOCUS's unit format.
UNITS = {
    "Hrs": "Hours",
    "hours": "Hours",
    "Hour": "Hours",
    "GB-Mo": "GB-Months",
    "GB-month": "GB-Months",
    "GB-Hours": "GB-Hours",
    "Accelerator-Hours": "Accelerator-Hours",
    "Obj-Month": "Object-Months",
    "vCPU-Hours": "vCPU-Hours",
    "Lambda-GB-Second": "GB-Seconds",
    "seconds": "Seconds",
}

REGIONS = {
    "af-south-1": "Africa (Cape Town)",
    "ap-east-1": "Asia Pacific (Hong Kong)",
    "ap-northeast-1": "Asia Pacific (Tokyo)",
    "ap-northeast-2": "Asia Pacific (Seoul)",
    "ap-northeast-3": "Asia Pacific (Osaka)",
    "ap-south-1": "Asia Pacific (Mumbai)",
    "ap-south-2": "Asia Pacific (Hyderabad)",
    "ap-southeast-1": "Asia Pacific (Singapore)",
    "ap-southeast-2": "Asia Pacific (Sydney)",
    "ap-southeast-3": "Asia Pacific (Jakarta)",
    "ap-southeast-4": "Asia Pacific (Melbourne)",
    "ca-central-1": "Canada (Central)",
    "ca-west-1": "Canada West (Calgary)",
    "eu-central-1": "Europe (Frankfurt)",
    "eu-central-2": "Europe (Zurich)",
    "eu-north-1": "Europe (Stockholm)",
    "eu-south-1": "Europe (Milan)",
    "eu-south-2": "Europe (Spain)",
    "eu-west-1": "Europe (Ireland)",
    "eu-west-2": "Europe (London)",
    "eu-west-3": "Europe (Paris)",
    "il-central-1": "Israel (Tel Aviv)",
    "me-central-1": "Middle East (UAE)",
    "me-south-1": "Middle East (Bahrain)",
    "sa-east-1": "South America (Sao Paulo)",
    "us-east-1": "US East (N. Virginia)",
    "us-east-2": "US East (Ohio)",
    "us-west-1": "US West (N. California)",
    "us-west-2": "US West (Oregon)",
}


def as_map(table: Mapping[str, str], type: str) -> str:
    """Return an SQL map literal, its values of a type: a join would not keep the order of rows."""
    entries = (f"{quoted(aws)}: {quoted(focus)}::{type}" for aws, focus in table.items())
    return f"map {{{', '.join(entries)}}}"
