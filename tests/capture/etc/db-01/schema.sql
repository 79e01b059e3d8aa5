-- The databases of the data centre. People, numbers and parcels are made up: numbers start with 000, which no issued number does.
CREATE ROLE portal_app LOGIN PASSWORD 'Cong-dvc-7';
CREATE ROLE civil_app LOGIN PASSWORD 'Ho-tich-7';
CREATE ROLE budget_app LOGIN PASSWORD 'Ngan-sach-7';
CREATE ROLE land_app LOGIN PASSWORD 'Dat-dai-7';
CREATE ROLE warehouse_reader LOGIN PASSWORD 'Kho-7';
CREATE ROLE ministry_gateway LOGIN PASSWORD 'Bo-nganh-7';
CREATE ROLE backup_svc LOGIN PASSWORD 'Sao-luu-7' IN ROLE pg_read_all_data;
CREATE ROLE hai_dba LOGIN SUPERUSER PASSWORD 'Quan-tri-csdl-7';
-- The regulation asks that what superusers do is recorded in full.
ALTER ROLE hai_dba SET log_statement = 'all';
ALTER ROLE postgres SET log_statement = 'ddl';
CREATE DATABASE portal;
CREATE DATABASE civil_status;
CREATE DATABASE budget;
CREATE DATABASE land;
CREATE DATABASE agriculture;
CREATE DATABASE economic_zone OWNER hai_dba;
CREATE DATABASE warehouse;
\c portal
CREATE TABLE cases (code text PRIMARY KEY, status text NOT NULL, received timestamptz NOT NULL DEFAULT now());
INSERT INTO cases SELECT 'HS-' || to_char(n, 'FM000000'), 'received' FROM generate_series(1, 2000) n;
CREATE TABLE audit_trail (at timestamptz DEFAULT now(), who text, what text);
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO portal_app;
\c civil_status
CREATE TABLE citizens (id text PRIMARY KEY, full_name text, born date, commune text, registered timestamptz, scan text);
INSERT INTO citizens SELECT '000' || to_char(n, 'FM000000000'),
    (ARRAY['Nguyen','Tran','Le','Pham','Huynh','Vo','Dang','Bui'])[1 + n % 8] || ' ' || (ARRAY['Van','Thi','Minh','Ngoc','Thanh'])[1 + n % 5]
    || ' ' || (ARRAY['An','Binh','Chau','Dung','Giang','Hoa','Khanh','Lam','My','Nga'])[1 + n % 10],
    date '1940-01-01' + (n * 37 % 27000), 'Xa ' || n % 188, now(), repeat(md5(n::text), 64) FROM generate_series(1, 60000) n;
CREATE TABLE registrations (id bigint GENERATED ALWAYS AS IDENTITY, citizen text, kind text);
GRANT SELECT ON citizens TO civil_app;
GRANT SELECT, INSERT, UPDATE ON registrations TO civil_app;
\c budget
CREATE TABLE payment_orders (id text PRIMARY KEY, amount bigint, account text, state text);
GRANT SELECT, INSERT, UPDATE ON payment_orders TO budget_app;
\c land
CREATE TABLE parcels (id text PRIMARY KEY, owner text, area_m2 int);
INSERT INTO parcels SELECT 'T' || n, 'chu ' || n, 100 + n FROM generate_series(1, 500) n;
GRANT SELECT, UPDATE ON parcels TO land_app;
\c agriculture
CREATE TABLE harvest (season text, crop text, tonnes int);
\c economic_zone
CREATE TABLE tenants (id int, name text);
\c warehouse
CREATE TABLE shared_persons (id text, source text);
INSERT INTO shared_persons SELECT '000' || n, 'civil-status' FROM generate_series(1, 1000) n;
GRANT SELECT ON shared_persons TO warehouse_reader, ministry_gateway;
