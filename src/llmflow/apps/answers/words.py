"""What LLMFlow itself says in answers, in Korean and in English; other languages get English."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """`quoted`: above quotations. `unsure`: above what is nearest. `unknown`: nothing relevant was found,
    `unknown_to_visitor` the same to somebody who cannot add documents.
    `reading`: documents are queued or running. `no_model`: no language model can serve. `way_up`: how to get generated
    answers; `way_up_found` takes a server on this machine. `model_down`: the model did not answer; takes its error.
    `by_words`: the embedding did not answer."""

    quoted: str
    unsure: str
    unknown: str
    unknown_to_visitor: str
    no_documents: str
    reading: str
    no_model: str
    way_up: str
    way_up_found: str
    model_down: str
    by_words: str
    more_about: str  # takes a heading
    no_reader: str  # of files in a question
    cut: str  # takes the name of a file and the percent of it that was read


_KOREAN = Words(
    quoted="문서에서 그대로 인용합니다.",
    unsure="제공된 문서에서 분명한 답을 찾지 못했습니다. 가장 가까운 대목을 그대로 인용합니다.",
    unknown=(
        "제공된 문서에서 답을 찾지 못했습니다. 다른 낱말로 다시 질문하시거나, 답이 담긴 문서를 지식에 추가해 주세요."
    ),
    unknown_to_visitor="제공된 문서에서 답을 찾지 못했습니다. 다른 낱말로 다시 질문해 주세요.",
    no_documents="이 앱에는 아직 검색할 문서가 없습니다. 지식에 문서를 추가해 주세요.",
    reading="이 앱의 문서를 아직 읽는 중입니다. 잠시 뒤에 다시 질문해 주세요.",
    no_model="지금 연결된 언어 모델은 한국어로 답할 수 없습니다.",
    way_up=(
        "생성된 답변을 받으려면 Studio의 설정 › 모델에서 Ollama, vLLM 등 OpenAI 호환 서버를 연결하거나 "
        "`llmflow models pull`로 더 큰 모델을 받으세요."
    ),
    way_up_found=(
        "이 컴퓨터에서 {server}가 실행되고 있습니다. Studio의 설정 › 모델에서 한 번에 연결하면 생성된 답변을 받습니다. "
        "llmflow.yaml에 적을 내용은 `llmflow doctor`가 보여 줍니다."
    ),
    model_down="언어 모델이 응답하지 않아 문서를 그대로 인용했습니다: {error}",
    by_words="임베딩 모델이 응답하지 않아 뜻이 아니라 낱말로만 찾았습니다. `llmflow doctor`에 할 일이 나옵니다.",
    more_about="‘{heading}’에 대해 더 알려 주세요.",
    no_reader="지금 연결된 언어 모델은 질문에 첨부한 파일을 읽고 답할 수 없습니다.",
    cut="{name}은(는) 한 번에 읽기에 길어 앞부분 {percent}%만 읽었습니다.",
)
_ENGLISH = Words(
    quoted="Quoted from the documents.",
    unsure="I do not know: I found no clear answer in the documents. Quoted here is what comes nearest.",
    unknown=(
        "I do not know: the documents given to me do not answer this. "
        "Try other words, or add a document that has the answer to the knowledge base."
    ),
    unknown_to_visitor="I do not know: the documents given to me do not answer this. Try other words.",
    no_documents="This app has no documents to search yet. Add some to its knowledge base.",
    reading="The documents of this app are still being read. Ask again in a moment.",
    no_model="The language model connected now cannot answer in this language.",
    way_up=(
        "For generated answers, connect Ollama, vLLM or any OpenAI-compatible server in Studio, Settings › Models, "
        "or get a larger model with `llmflow models pull`."
    ),
    way_up_found=(
        "{server} runs on this machine: connect it in Studio under Settings › Models for generated answers; "
        "`llmflow doctor` prints the lines for llmflow.yaml."
    ),
    model_down="The language model did not answer, so the documents are quoted: {error}",
    by_words="The embedding model does not answer, so only words were matched. `llmflow doctor` says what to do.",
    more_about="Tell me more about “{heading}”.",
    no_reader="The language model connected now cannot answer from files in a question.",
    cut="{name} is too long to be read at once: only its first {percent} % were read.",
)


def words(language: str) -> Words:
    return _KOREAN if language == "ko" else _ENGLISH
