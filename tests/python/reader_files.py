"""Small trace files of every format, as their tools write them."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pyarrow as pa

AZURE = (
    "TIMESTAMP,ContextTokens,GeneratedTokens\n"
    "2023-11-16 18:15:46.6805900,374,44\n"
    "2023-11-16 18:15:50.9951690,396,109\n"
    "2023-11-16 18:15:50.9951691,879,55\n"
)
AZURE_2024 = (
    "TIMESTAMP,ContextTokens,GeneratedTokens\n"
    "2024-05-10 00:00:00.009930+00:00,2162,5\n"
    "2024-05-10 00:00:00.017335+00:00,2399,6\n"
    "2024-05-10 00:00:01+00:00,76,15\n"
)
AZURE_2025 = (
    "TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n"
    "2025-01-01 00:00:00.0000000,2,1374,44\n"
    "2025-01-01 00:00:00.5000000,0,396,109\n"
)
MOONCAKE = (
    '{"timestamp": 0, "input_length": 600, "output_length": 5, "hash_ids": [0, 1]}\n'
    '{"timestamp": 27.5, "input_length": 700, "output_length": 6, "hash_ids": [0, 2]}\n'
    '{"timestamp": 3000, "input_length": 1, "output_length": 1, "hash_ids": []}\n'
)
MOONCAKE_SESSION = (
    '{"session_id": "a", "timestamp": 0, "input_length": 600, "output_length": 5, "hash_ids": [0, 1]}\n'
    '{"session_id": "a", "delay": 1500, "input_length": 700, "output_length": 6, "hash_ids": [0, 2]}\n'
    '{"session_id": "b", "timestamp": 250, "input_length": 9, "output_length": 7, "hash_ids": [3]}\n'
    '{"session_id": "a", "delay": 0.5, "input_length": 800, "output_length": 8, "hash_ids": [0, 4]}\n'
)
BAILIAN = (
    '{"chat_id": 7, "parent_chat_id": -1, "timestamp": 0.5, "input_length": 20, "output_length": 5, '
    '"type": "text", "turn": 1, "hash_ids": [0, 1]}\n'
    '{"chat_id": 8, "parent_chat_id": 3, "timestamp": 0.75, "input_length": 30, "output_length": 6, '
    '"type": "search", "turn": 2, "hash_ids": [2, 3]}\n'
    '{"chat_id": 9, "parent_chat_id": 7, "timestamp": 60.25, "input_length": 40, "output_length": 7, '
    '"type": "text", "turn": 2, "hash_ids": [0, 1, 4]}\n'
    '{"chat_id": 10, "parent_chat_id": 9, "timestamp": 70, "input_length": 50, "output_length": 8, '
    '"type": "text", "turn": 3, "hash_ids": [0, 1, 4, 5]}\n'
)
BURSTGPT = (
    "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
    "5,ChatGPT,472,18,490,Conversation log\n"
    "45,GPT-4,1087,0,1087,API log\n"
)
BURSTGPT_SESSIONS = (
    "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
    "5,s-1,0.25,ChatGPT,472,18,490,Conversation log\n"
    "45,,1.5,GPT-4,1087,230,1317,API log\n"
)
VIDUR = (
    "arrived_at,num_prefill_tokens,num_decode_tokens,Time,PromptTokenCount,CompletionTokenCount\n"
    "0.25,100,20,0.25,100,20\n"
    "1.5,200,30,1.5,200,30\n"
)
SPLITWISE = (
    "request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size\n"
    "0,2,3,0.0,1,512,64\n"
    "1,2,0,0.125,1,1024,32\n"
)
LLMSERVINGSIM = (
    '{"input_toks": 100, "output_toks": 20, "arrival_time_ns": 1000000001}\n'
    '{"input_toks": 200, "output_toks": 30, "arrival_time_ns": 2000000000}\n'
)
LLMSERVINGSIM_SESSIONS = (
    '{"session_id": "a", "arrival_time_ns": 5, "sub_requests": [{"input_toks": 1, "output_toks": 2, '
    '"tool_duration_ns": 1500000000}, {"input_toks": 3, "output_toks": 4, "tool_duration_ns": 0}]}\n'
    '{"session_id": null, "input_toks": 200, "output_toks": 30, "arrival_time_ns": 2000000000}\n'
    '{"session_id": "b", "arrival_time_ns": 1000000000, "sub_requests": [{"input_toks": 5, '
    '"output_toks": 6, "tool_duration_ns": 7}]}\n'
)
BLIS = (
    "request_id,client_id,tenant_id,slo_class,session_id,round_index,prefix_group,prefix_length,streaming,"
    "input_tokens,output_tokens,text_tokens,image_tokens,audio_tokens,video_tokens,reason_ratio,model,"
    "deadline_us,server_input_tokens,arrival_time_us,send_time_us,first_chunk_time_us,last_chunk_time_us,"
    "num_chunks,status,error_message,finish_reason\n"
    "0,batch,,,,0,,0,true,100,20,100,0,0,0,0.25,,0,0,500000,500000,0,0,0,ok,,\n"
    "1,chat,,,s1,2,,0,true,200,30,200,0,0,0,0,,0,0,1500000,1500000,0,0,0,ok,,\n"
)
NATIVE = "timestamp,client_id,input_tokens,output_tokens\n0.5,1,100,10\n0.75,2,200,0\n2,1,300,30\n"
NATIVE_JSONL = (
    '{"timestamp":0.5,"client_id":1,"input_tokens":100,"output_tokens":10}\n'
    '{"timestamp":0.75,"client_id":2,"input_tokens":200,"output_tokens":0}\n'
    '{"timestamp":2,"client_id":1,"input_tokens":300,"output_tokens":30}\n'
)

TEXTS = {
    "azure": AZURE,
    "mooncake": MOONCAKE,
    "mooncake-session": MOONCAKE_SESSION,
    "bailian": BAILIAN,
    "burstgpt": BURSTGPT,
    "vidur": VIDUR,
    "splitwise": SPLITWISE,
    "blis": BLIS,
    "llmservingsim": LLMSERVINGSIM,
    "native": NATIVE,
}
"""One text file of every format."""


def written(folder: Path, content: str | bytes, name: str = "trace") -> Path:
    """A file of the content; its name tells nothing about it."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def packed(content: str, codec: str) -> bytes:
    """The content in one gzip member or zstd frame."""
    data = content.encode()
    return gzip.compress(data, mtime=0) if codec == "gzip" else bytes(pa.Codec("zstd").compress(data))


INPUTS = {
    "azure": "ContextTokens",
    "mooncake": "input_length",
    "mooncake-session": "input_length",
    "bailian": "input_length",
    "burstgpt": "Request tokens",
    "vidur": "num_prefill_tokens",
    "splitwise": "prompt_size",
    "blis": "input_tokens",
    "llmservingsim": "input_toks",
    "native": "input_tokens",
}
"""The column of input tokens in each."""


def with_input(name: str, value: str) -> str:
    """The file of a format, with another value for the input tokens of its first row."""
    lines = TEXTS[name].splitlines(keepends=True)
    if lines[0].startswith("{"):
        lines[0] = re.sub(rf'("{INPUTS[name]}": )\d+', rf"\g<1>{value}", lines[0])
    else:
        header, cells = lines[0].rstrip("\n").split(","), lines[1].rstrip("\n").split(",")
        cells[header.index(INPUTS[name])] = value
        lines[1] = ",".join(cells) + "\n"
    return "".join(lines)
