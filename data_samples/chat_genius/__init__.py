"""ChatGenius, an invented chatbot whose GPUs cost $15,000 a month, and then $6,000."""
