"""The apps room put together; wiring makes one, the HTTP surfaces use it."""

from __future__ import annotations

from llmflow.access.rights import Rights
from llmflow.apps.annotations.annotations import Annotations
from llmflow.apps.annotations.near import Nearness
from llmflow.apps.annotations.reciting import Reciting
from llmflow.apps.annotations.reply import AnnotationReply
from llmflow.apps.answers.answer import Answerer, ModelServer
from llmflow.apps.answers.suggest import Suggestions
from llmflow.apps.apps import Apps
from llmflow.apps.chat.answering import Answering
from llmflow.apps.chat.attachments import Attachments
from llmflow.apps.chat.chat import Chat
from llmflow.apps.chat.conversations import Conversations
from llmflow.apps.chat.doors import Doors
from llmflow.apps.chat.feedback import Feedbacks
from llmflow.apps.chat.files import AppFiles
from llmflow.apps.chat.following import Following
from llmflow.apps.chat.turns import Turns
from llmflow.apps.chat.variables import Variables
from llmflow.apps.designs.designs import Designs
from llmflow.apps.designs.imports import Imports
from llmflow.apps.designs.plans import Plans
from llmflow.apps.designs.publishing import Publishing
from llmflow.apps.designs.uses import Uses
from llmflow.apps.forms.desk import Desk
from llmflow.apps.forms.forms import Forms
from llmflow.apps.forms.in_chat import FormsInChat
from llmflow.apps.forms.inbox import Inbox
from llmflow.apps.forms.post import Post
from llmflow.apps.pipelines.readings import Readings
from llmflow.apps.runs.called import CalledApps
from llmflow.apps.runs.outside import Surroundings
from llmflow.apps.runs.reruns import Reruns
from llmflow.apps.runs.runs import Runs
from llmflow.apps.sites import Sites
from llmflow.apps.triggers.deliveries import Deliveries
from llmflow.apps.triggers.schedules import Schedules
from llmflow.apps.triggers.triggers import Triggers
from llmflow.apps.triggers.webhooks import Webhooks
from llmflow.config.settings import Settings
from llmflow.gateway.gateway import Gateway
from llmflow.knowledge.bases import Bases
from llmflow.knowledge.originals import Originals
from llmflow.knowledge.reembed import Reembeddings
from llmflow.knowledge.retrieve import Retriever
from llmflow.net.exchange import Exchange
from llmflow.net.mail import Mailer
from llmflow.ports.blobs import Blobs
from llmflow.ports.chunker import Chunker
from llmflow.ports.jobs import Jobs
from llmflow.ports.parser import Parser
from llmflow.ports.sandbox import Sandbox
from llmflow.store.crypto import Cipher
from llmflow.store.database import Database
from llmflow.tools.toolbox import Toolbox
from llmflow.workflow.journal.journal import Journal


class AppsRoom:
    """`catalogue`: the apps themselves; beside it what is done with them. `exchange`: HTTP for users' addresses;
    `chunker`: one that counts characters."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        bases: Bases,
        reembeddings: Reembeddings,
        retriever: Retriever,
        gateway: Gateway,
        originals: Originals,
        blobs: Blobs,
        cipher: Cipher,
        exchange: Exchange,
        parser: Parser,
        chunker: Chunker,
        sandbox: Sandbox,
        toolbox: Toolbox,
        jobs: Jobs,
        *,
        model_server: ModelServer,
    ) -> None:
        self.sites = Sites(database)
        self.triggers = Triggers(database, cipher)
        self.designs = Designs(
            database,
            cipher,
            self.triggers.settle,
            max_bytes=settings.limits.design_mb * 1024 * 1024,
            max_versions=settings.limits.app_versions,
        )
        self.plans = Plans(self.designs)
        self.uses = Uses(database, self.designs)
        answerer = Answerer(
            bases,
            retriever,
            gateway,
            top_k=settings.knowledge.top_k,
            answer_tokens=settings.chat.answer_tokens,
            temperature=settings.chat.temperature,
            model_server=model_server,
        )
        self.turns = Turns()
        self.variables = Variables(database)
        self.feedback = Feedbacks(database)
        self.files = AppFiles(database, originals, blobs, max_bytes=settings.limits.file_mb * 1024 * 1024)
        self.attachments = Attachments(database, self.files, blobs, parser, gateway)
        self.readings = Readings(blobs, parser)
        self.forms = Forms(database, cipher, self.files, max_characters=settings.workflow.variable_kb * 1024)
        answering = Answering(database, answerer, self.attachments, history_turns=settings.chat.history_messages // 2)
        self.surroundings = Surroundings(
            database,
            gateway,
            retriever,
            bases,
            self.files,
            self.attachments,
            self.readings,
            answering,
            exchange,
            toolbox,
            self.forms,
            sandbox,
            chunker,
            limits=settings.workflow,
            file_bytes=settings.limits.file_mb * 1024 * 1024,
        )
        journal = Journal(database)
        self.runs = Runs(
            database,
            journal,
            self.surroundings.of,
            Rights(database),
            settings=settings.workflow,
            limit=settings.limits.workflow_concurrency,
            chat_limit=settings.limits.chat_concurrency,
        )
        self.catalogue = Apps(database, originals, self.runs)
        self.toolbox = toolbox
        self.publishing = Publishing(self.designs, bases, reembeddings)
        self.imports = Imports(self.catalogue, self.designs, self.publishing, bases, gateway, toolbox)
        self.deliveries = Deliveries(database, keep_days=settings.triggers.keep_days)
        self.webhooks = Webhooks(
            self.triggers,
            self.deliveries,
            self.catalogue,
            self.plans,
            self.runs,
            self.files,
            limits=settings.triggers,
        )
        self.schedules = Schedules(
            database,
            self.triggers,
            self.deliveries,
            self.catalogue,
            self.plans,
            self.runs,
            jobs,
            limits=settings.triggers,
        )
        doors = Doors()
        self.conversations = Conversations(database, originals, self.runs, doors)
        near = Nearness(database, gateway)
        self.annotations = Annotations(database, near)
        self.annotation_reply = AnnotationReply(database, gateway, near, jobs)
        self.inbox = Inbox(database, self.forms)
        self.forms_in_chat = FormsInChat(self.forms, self.conversations)
        server = settings.server
        self.post = Post(
            database,
            self.forms,
            Mailer(settings.mail),
            base_url=server.public_url or f"http://{server.host}:{server.port}",
        )
        self.chat = Chat(
            database,
            self.plans,
            self.runs,
            self.turns,
            self.files,
            self.attachments,
            Reciting(database, self.plans, near),
            doors,
        )
        self.reruns = Reruns(database, journal, self.plans, self.runs, companion_of=self.chat.companion_of)
        called = CalledApps(self.catalogue, self.plans, self.runs, nearest=near.nearest, stop=self.reruns.stop)
        toolbox.add(called)
        self.following = Following(self.conversations, self.turns, self.runs, self.reruns)
        self.desk = Desk(database, self.forms, self.runs, self.reruns)
        self.suggestions = Suggestions(answerer, gateway)

    async def start(self) -> None:
        """Puts right what a dead process left."""
        await self.chat.recover()
        self.reruns.recover()
        self.desk.start()
        self.post.ring()

    async def close(self) -> None:
        """Breaks off what runs, answers being written too: the next start goes on with it. Before the organs are
        closed."""
        await self.post.close()
        await self.desk.close()
        await self.schedules.close()
        await self.reruns.close()
        await self.runs.close()
        self.turns.break_off()
