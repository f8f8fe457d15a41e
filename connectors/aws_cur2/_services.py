"""AWS services by product code: FOCUS service name, category, subcategory. As of 2026-11.

What is not here keeps AWS's own name and the category 'Other'.
"""

_COMPUTE, _STORAGE, _DATABASES = "Compute", "Storage", "Databases"
_NETWORKING, _AI = "Networking", "AI and Machine Learning"
_MANAGEMENT, _SECURITY = "Management and Governance", "Security"
_INTEGRATION, _ANALYTICS = "Integration", "Analytics"

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
    "AWSSecretsManager": ("AWS Secrets Manager", _SECURITY, "Other (Security)"),
    "AmazonSNS": ("Amazon Simple Notification Service", _INTEGRATION, "Messaging"),
    "AWSQueueService": ("Amazon Simple Queue Service", _INTEGRATION, "Messaging"),
    "AmazonStates": ("AWS Step Functions", _INTEGRATION, "Other (Integration)"),
    "AmazonKinesis": ("Amazon Kinesis", _ANALYTICS, "Streaming Analytics"),
    "AWSGlue": ("AWS Glue", _ANALYTICS, "Data Processing"),
    "AmazonAthena": ("Amazon Athena", _ANALYTICS, "Analytics Platforms"),
    "AWSSupportBusiness": ("AWS Support (Business)", "Other", "Other (Other)"),
    "AWSSupportEnterprise": ("AWS Support (Enterprise)", "Other", "Other (Other)"),
    "AWSDeveloperSupport": ("AWS Support (Developer)", "Other", "Other (Other)"),
}

# AWS pricing units in FOCUS's unit format.
UNITS = {
    "Hrs": "Hours",
    "hours": "Hours",
    "Hour": "Hours",
    "GB-Mo": "GB-Months",
    "GB-month": "GB-Months",
    "GB-Hours": "GB-Hours",
    "Obj-Month": "Object-Months",
    "vCPU-Hours": "vCPU-Hours",
    "Lambda-GB-Second": "GB-Seconds",
    "seconds": "Seconds",
}
