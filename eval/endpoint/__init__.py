"""A scripted endpoint: the OpenAI protocol on real HTTP; answers, faults and delays on demand."""
